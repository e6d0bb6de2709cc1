namespace XSepConv.Kernels;

/// <summary>Floats at a fixed address, on a cache line's start; zeros at first. They live as long as this object does.</summary>
internal sealed unsafe class AlignedFloats
{
    private readonly NativeBuffer _buffer;

    public AlignedFloats(long length)
        : this(new NativeBuffer(length), 0, length)
    {
    }

    public AlignedFloats(NativeBuffer buffer, long first, long length)
    {
        _buffer = buffer;
        Pointer = buffer.Start + first;
        Length = length;
        KernelMemory.Enter(Pointer, length);
    }

#if DEBUG
    ~AlignedFloats() => KernelMemory.Leave(Pointer, Length);
#endif

    public float* Pointer { get; }

    public long Length { get; }

    /// <summary>The most floats that one may hold.</summary>
    public static long MaxFloats => Array.MaxLength;
}
