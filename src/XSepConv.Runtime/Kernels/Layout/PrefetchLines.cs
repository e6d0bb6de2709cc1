using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// All cache lines of a group's planes in one tensor, prefetched while a convolution runs: as many with every vector as it takes.
/// </summary>
internal readonly unsafe struct PrefetchLines
{
    private const int LineFloats = 16;

    // Planes this far apart, or a multiple, share one set of the first cache: prefetched together, they would drive each other out.
    private const int AliasFloats = 1024;

    private readonly nint* _offsets;
    private readonly int _lines;
    private readonly int _share;
    private readonly Prefetch _prefetch;

    /// <summary>Room for the offsets of planes of <paramref name="plane"/> floats.</summary>
    public PrefetchLines(ref ScratchLayout layout, in PlaneGroups groups, int plane, int lanes)
    {
        if (groups.PlaneStride(plane) % AliasFloats == 0) return;
        _lines = (plane + LineFloats - 1) / LineFloats * lanes;
        _offsets = layout.Offsets(_lines);
    }

    private PrefetchLines(in PrefetchLines lines, float* planes, int vectors)
    {
        _offsets = lines._offsets;
        _lines = lines._lines;
        _share = (_lines + vectors - 1) / vectors;
        _prefetch = _lines == 0 ? Prefetch.None : new Prefetch(planes, _offsets);
    }

    public bool IsOn => _prefetch.IsOn;

    /// <summary>Fills the table.</summary>
    public void FillOffsets(in PlaneGroups groups, int plane, int lanes)
    {
        if (_lines > 0) Prefetch.FillOffsets(_offsets, _lines, plane, groups.PlaneStride(plane), lanes, [0]);
    }

    /// <summary>The lines of these planes, shared out among so many vectors.</summary>
    public PrefetchLines Of(float* planes, int vectors) => new(this, planes, vectors);

    /// <summary>
    /// Prefetches what goes with <paramref name="count"/> vectors. Tiles that overlap count vectors twice, and find nothing left at the
    /// end.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Lines(int vector, int count)
    {
        var end = Math.Min(_lines, (vector + count) * _share);
        for (var i = vector * _share; i < end; i++) _prefetch.Line(i);
    }
}
