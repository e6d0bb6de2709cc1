namespace XSepConv.Kernels;

/// <summary>Floats at a fixed address, on a cache line's start; zeros at first. They live as long as this object does.</summary>
internal sealed unsafe class AlignedFloats
{
    private readonly KernelBlock _block;

    public AlignedFloats(long length)
        : this(new KernelBlock(length), 0, length)
    {
    }

    public AlignedFloats(KernelBlock block, long first, long length)
    {
        _block = block;
        Pointer = block.Start + first;
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
