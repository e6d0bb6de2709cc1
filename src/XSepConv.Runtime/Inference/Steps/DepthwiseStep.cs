using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>A block's first half with the K×K: 1×1 expansion → act → depthwise → act (unless squeeze-excite stands before it).</summary>
internal sealed unsafe class DepthwiseStep<TLanes, TVector, TStride> : MapStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TStride : struct, IStride
{
    private readonly ExpandedShape<TLanes, TVector> _expanded;
    private readonly PackedDepthwise _layer;
    private readonly MapSize _output;
    private readonly int _kernel;
    private readonly KernelTrim _rows;
    private readonly KernelTrim _columns;
    private readonly int _chunk;
    private readonly TileActivation _activation;
    private readonly TileRun[] _runs;
    private readonly RowItems _items;

    public DepthwiseStep(
        PackedPointwise? expand, PackedDepthwise layer, BlockSpec block, MapSize input, Slot from, TileActivation between,
        TileActivation after, int threads)
    {
        (_layer, _kernel, _activation) = (layer, block.Kernel, after);
        _output = input.Strided(TStride.Value);
        (_rows, _columns) = (KernelTrim.Of(_kernel, input.Height), KernelTrim.Of(_kernel, input.Width));
        var rowFloats = (input.Width + (2 * _columns.Border)) * TLanes.Count;
        _chunk = RowBudget.OutputRows(RowBudget.FirstLevel, 2 * rowFloats, _rows.Size, TStride.Value, _output.Height);
        _expanded = new(expand, block.Expand, input, from, between, Window(_chunk), _columns.Border);
        _runs = DepthwisePlan.Runs(_output.Width, _rows.Size * _columns.Size, PointwisePlan.Registers(TLanes.Count));
        _items = new(_expanded.Groups.Length, _output.Height, threads);
    }

    public override int Items => _items.Count;

    public override long ScratchFloats => _expanded.ScratchFloats + PointerTable.Floats(Window(_chunk) + _chunk);

    public override void Run(in ImageMaps maps, int first, int end, float* scratch)
    {
        _expanded.ClearBorders(scratch);
        while (first < end)
        {
            (var group, var firstRow, var endRow, first) = _items.Take(first, end);
            RunGroup(maps, _expanded.Groups[group], firstRow, endRow, scratch);
        }
    }

    private int Window(int outputRows) => ((outputRows - 1) * TStride.Value) + _rows.Size;

    private void RunGroup(in ImageMaps maps, PointwiseGroup group, int firstRow, int endRow, float* scratch)
    {
        var lanes = TLanes.Count;
        var plane = (nint)_output.Pixels * lanes;
        var outputRow = (nint)_output.Width * lanes;
        var expanded = new ExpandedRows<TLanes, TVector>(_expanded, group, maps[_expanded.From], scratch);
        var source = (float**)(scratch + _expanded.ScratchFloats);
        var destination = source + Window(_chunk);
        DepthwiseTile tile;
        tile.Source = source;
        tile.Destination = destination;
        tile.RowStride = TStride.Value;
        tile.KernelHeight = _rows.Size;
        tile.KernelWidth = _columns.Size;
        tile.WeightRow = (nint)_kernel * lanes;
        tile.Activation = _activation;
        for (var row = firstRow; row < endRow; row += _chunk)
        {
            var count = Math.Min(_chunk, endRow - row);
            var top = (row * TStride.Value) - _rows.Border;
            var window = Window(count);
            expanded.Advance(Math.Max(0, top), Math.Min(_expanded.Map.Height, top + window));
            tile.Rows = count;
            for (var vector = 0; vector < group.Vectors; vector++)
            {
                var block = group.Block + vector;
                for (var i = 0; i < window; i++) source[i] = expanded.Row(vector, top + i);
                var output = maps[Slot.Middle] + (block * plane) + (row * outputRow);
                for (var i = 0; i < count; i++) destination[i] = output + (i * outputRow);
                tile.Weights = _layer.Weights(block) + ((nint)((_rows.Skipped * _kernel) + _columns.Skipped) * lanes);
                tile.Bias = _layer.Bias(block);
                DepthwiseTileRuns<TLanes, TVector, TStride>.Run(_runs, &tile);
            }
        }
    }
}

/// <summary>All tiles of some rows.</summary>
internal static unsafe class DepthwiseTileRuns<TLanes, TVector, TStride>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TStride : struct, IStride
{
    public static void Run(TileRun[] runs, DepthwiseTile* tile)
    {
        foreach (var run in runs)
        {
            for (var i = 0; i < run.Count; i++)
            {
                DepthwiseTiles<TLanes, TVector, TStride>.Run(run.Pixels, tile, (nint)(run.Offset + (i * run.Pixels)) * TLanes.Count);
            }
        }
    }
}
