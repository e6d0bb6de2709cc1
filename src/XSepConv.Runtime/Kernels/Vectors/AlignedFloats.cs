namespace XSepConv.Kernels;

/// <summary>Floats at a fixed address, on a cache line's start; zeros at first. They live as long as this object does.</summary>
internal sealed unsafe class AlignedFloats
{
    private const int Alignment = 64;

    private readonly float[] _array;

    public AlignedFloats(long length)
    {
        _array = GC.AllocateArray<float>(checked((int)(length + (Alignment / sizeof(float)))), pinned: true);
        fixed (float* start = _array) Pointer = (float*)(((nuint)start + Alignment - 1) & ~(nuint)(Alignment - 1));
        Length = length;
        KernelMemory.Enter(Pointer, length);
    }

#if DEBUG
    ~AlignedFloats() => KernelMemory.Leave(Pointer, Length);
#endif

    public float* Pointer { get; }

    public long Length { get; }

    /// <summary>The most floats that one may hold.</summary>
    public static long MaxFloats => Array.MaxLength - (Alignment / sizeof(float));
}
