using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>
/// What is the same in every block's first half: a 1×1 expansion of some channels, whose rows are made when the spatial operator needs
/// them.
/// </summary>
/// <remarks>
/// The expanded map, the largest of a block, is never whole: its rows live in a ring in the nearest cache, with the border that the
/// operator reads around them.
/// </remarks>
internal sealed unsafe class ExpandedShape<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>
    /// Rows are the most that are needed at once, the border is columns of zeros on either side. Without a layer the rows are those of the
    /// map before.
    /// </summary>
    public ExpandedShape(PackedPointwise? layer, int channels, MapSize map, Slot from, TileActivation activation, int rows, int border)
    {
        (Layer, Map, From, Activation, Border) = (layer, map, from, activation, border);
        Capacity = Math.Min(rows, map.Height);
        Groups = PointwisePlan.Create(channels, TLanes.Count, map.Width, layer?.Inputs ?? 1);
    }

    public PackedPointwise? Layer { get; }

    public MapSize Map { get; }

    public Slot From { get; }

    public TileActivation Activation { get; }

    public int Border { get; }

    public int Capacity { get; }

    public PointwiseGroup[] Groups { get; }

    public nint RowFloats => (nint)(Map.Width + (2 * Border)) * TLanes.Count;

    public nint BlockFloats => Capacity * RowFloats;

    /// <summary>Rings of as many vectors as a group may have, and the row outside.</summary>
    public long ScratchFloats => ((PointwisePlan.MaxVectors * (long)BlockFloats) + RowFloats + 15) / 16 * 16;

    /// <summary>Writes the zeros around the rows, which nothing writes over.</summary>
    public void ClearBorders(float* scratch)
    {
        var rows = Groups[0].Vectors * Capacity;
        VectorMemory<TLanes, TVector>.Clear(scratch, Border, rows, RowFloats);
        VectorMemory<TLanes, TVector>.Clear(scratch + RowFloats - (Border * TLanes.Count), Border, rows, RowFloats);
        VectorMemory<TLanes, TVector>.Clear(scratch + (PointwisePlan.MaxVectors * BlockFloats), Map.Width + (2 * Border), 1, 0);
    }
}

/// <summary>The rows of one group of channels of one image.</summary>
internal unsafe ref struct ExpandedRows<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private readonly ExpandedShape<TLanes, TVector> _shape;
    private readonly PointwiseGroup _group;
    private readonly float* _rings;
    private readonly float* _outside;
    private PointwiseTile _tile;
    private readonly float* _input;
    private int _next;

    public ExpandedRows(ExpandedShape<TLanes, TVector> shape, PointwiseGroup group, float* input, float* scratch)
    {
        (_shape, _group) = (shape, group);
        _input = input;
        _rings = scratch;
        _outside = scratch + (PointwisePlan.MaxVectors * shape.BlockFloats);
        if (shape.Layer is not { } layer) return;
        _tile.Outer = (nint)shape.Map.Pixels * TLanes.Count;
        _tile.Channels = layer.Inputs;
        _tile.Weights = layer.Weights(group.Block);
        _tile.WeightBlock = (nint)layer.WeightBlock;
        _tile.Bias = layer.Bias(group.Block);
        _tile.IsLastHalf = group.IsLastHalf;
        _tile.OutputBlock = shape.BlockFloats;
        _tile.Activation = shape.Activation;
    }

    /// <summary>Makes the rows before <paramref name="end"/> that are not there yet, from <paramref name="first"/> on.</summary>
    public void Advance(int first, int end)
    {
        _next = Math.Max(_next, first);
        while (_next < end)
        {
            var place = Ring.Place(_next, _shape.Capacity);
            var count = Math.Min(end - _next, _shape.Capacity - place);
            Expand(_next, count, _rings + (place * _shape.RowFloats) + (_shape.Border * TLanes.Count));
            _next += count;
        }
    }

    /// <summary>Where a row begins, its border included; rows that the map has not are zeros.</summary>
    public readonly float* Row(int vector, int row) => (uint)row < (uint)_shape.Map.Height
        ? _rings + (vector * _shape.BlockFloats) + (Ring.Place(row, _shape.Capacity) * _shape.RowFloats)
        : _outside;

    private void Expand(int row, int count, float* output)
    {
        var lanes = TLanes.Count;
        var width = _shape.Map.Width;
        var input = _input + ((nint)row * width * lanes);
        if (_shape.Layer is null)
        {
            Copy(input, count, output);
            return;
        }

        fixed (PointwiseTile* tile = &_tile)
        {
            foreach (var run in _group.Runs)
            {
                // One tile's column of rows, or one row's tiles.
                var inRow = run.Count > 1;
                tile->Count = inRow ? run.Count : count;
                tile->InputStep = (nint)(inRow ? run.Pixels : width) * lanes;
                tile->OutputStep = inRow ? (nint)run.Pixels * lanes : _shape.RowFloats;
                for (var i = 0; i < (inRow ? count : 1); i++)
                {
                    tile->Input = input + ((nint)((i * width) + run.Offset) * lanes);
                    tile->Output = output + (i * _shape.RowFloats) + ((nint)run.Offset * lanes);
                    PointwiseTiles<TLanes, TVector>.Run(run.Pixels, _group.Vectors, tile);
                }
            }
        }
    }

    private readonly void Copy(float* input, int count, float* output)
    {
        var row = (nint)_shape.Map.Width * TLanes.Count;
        var plane = (nint)_shape.Map.Pixels * TLanes.Count;
        for (var vector = 0; vector < _group.Vectors; vector++)
        {
            var source = input + ((_group.Block + vector) * plane);
            var target = output + (vector * _shape.BlockFloats);
            for (var i = 0; i < count; i++)
            {
                VectorMemory<TLanes, TVector>.Copy(source + (i * row), target + (i * _shape.RowFloats), (int)row);
            }
        }
    }
}
