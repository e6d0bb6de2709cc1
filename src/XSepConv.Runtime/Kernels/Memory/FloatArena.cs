namespace XSepConv.Kernels;

/// <summary>
/// Cuts small pieces out of few buffers, each twice as large as the last up to 16 MB, so that most lie in large pages. A piece that fills
/// a large page has a buffer of its own.
/// </summary>
internal sealed class FloatArena
{
    private const long First = 1 << 16, Largest = 1 << 22;
    private const int CacheLine = 16;

    private NativeBuffer? _shared;
    private long _used;

    /// <summary>What all pieces hold together.</summary>
    public long Floats { get; private set; }

    /// <summary>A piece on a cache line's start; its buffer lives as long as one of its pieces does.</summary>
    /// <exception cref="OutOfMemoryException">As of <see cref="NativeBuffer"/>.</exception>
    public AlignedFloats Allocate(long floats)
    {
        Floats += floats;
        if (floats * sizeof(float) >= LargePages.Size) return new AlignedFloats(floats);
        if (_shared is null || _shared.Floats - _used < floats)
        {
            _shared = new NativeBuffer(Math.Max(floats, _shared is null ? First : Math.Min(2 * _shared.Floats, Largest)));
            _used = 0;
        }

        var piece = new AlignedFloats(_shared, _used, floats);
        _used += (floats + CacheLine - 1) / CacheLine * CacheLine;
        return piece;
    }
}
