namespace XSepConv.Kernels;

/// <summary>
/// Cuts many pieces out of few blocks, each twice as large as the last up to 16 MB, so that most of them lie in large pages, and no more
/// than that is left over.
/// </summary>
internal sealed class FloatArena
{
    private const long FirstBlock = 1 << 16;
    private const long LargestShared = 1 << 22;
    private const int CacheLine = 16;

    private KernelBlock? _block;
    private long _used;

    /// <summary>What all pieces hold together.</summary>
    public long Floats { get; private set; }

    /// <summary>A piece on a cache line's start; its block lives as long as one of its pieces does.</summary>
    /// <exception cref="OutOfMemoryException">As of <see cref="KernelBlock"/>.</exception>
    public AlignedFloats Allocate(long floats)
    {
        if (_block is null || _block.Floats - _used < floats)
        {
            _block = new KernelBlock(Math.Max(floats, _block is null ? FirstBlock : Math.Min(2 * _block.Floats, LargestShared)));
            _used = 0;
        }

        var piece = new AlignedFloats(_block, _used, floats);
        _used += (floats + CacheLine - 1) / CacheLine * CacheLine;
        Floats += floats;
        return piece;
    }
}
