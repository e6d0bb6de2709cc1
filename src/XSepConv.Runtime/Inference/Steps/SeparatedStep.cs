using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>
/// A block's first half with XSepConv: 1×1 expansion → act → 2×2 → act → 1×K → act → K×1 → act (unless squeeze-excite stands before it). A
/// Sep block has no 2×2.
/// </summary>
internal sealed unsafe class SeparatedStep<TLanes, TVector> : MapStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private readonly ExpandedShape<TLanes, TVector> _expanded;
    private readonly PackedTwoByTwo? _twoByTwo;
    private readonly PackedDepthwise _horizontal;
    private readonly PackedDepthwise _vertical;
    private readonly MapSize _input;
    private readonly MapSize _output;
    private readonly int _stride;
    private readonly KernelTrim _rows;
    private readonly KernelTrim _columns;
    private readonly int _chunk;
    private readonly int _middleRows;
    private readonly int _halo;
    private readonly TileActivation _between;
    private readonly TileActivation _after;
    private readonly TileRun[] _twoByTwoRuns;
    private readonly TileRun[] _verticalRuns;
    private readonly RowItems _items;
    private readonly bool _sweepsAcross;
    private readonly bool _sweepsDown;

    public SeparatedStep(
        PackedPointwise? expand, PackedTwoByTwo? twoByTwo, PackedDepthwise horizontal, PackedDepthwise vertical, BlockSpec block,
        MapSize input, MapSize expanded,
        Slot from, TileActivation between, TileActivation after, int threads)
    {
        (_twoByTwo, _horizontal, _vertical, _stride, _between, _after, _input) =
            (twoByTwo, horizontal, vertical, block.Stride, between, after, input);
        _output = input.Strided(_stride);
        (_rows, _columns) = (KernelTrim.Of(block.Kernel, input.Height), KernelTrim.Of(block.Kernel, input.Width));
        _chunk = RowBudget.OutputRows(RowBudget.SecondLevel,
            ((3 * (input.Width + 2)) + (2 * _output.Width)) * TLanes.Count, _rows.Size, _stride, _output.Height);
        _middleRows = Math.Min(Window(_chunk), input.Height);
        _halo = twoByTwo is null ? 0 : 1;
        _expanded = new(expand, block.Expand, expanded, from, between, _middleRows + (2 * _halo), _halo);
        var registers = PointwisePlan.Registers(TLanes.Count);
        _twoByTwoRuns = DepthwisePlan.Runs(input.Width, 4, registers);
        _verticalRuns = DepthwisePlan.Runs(_output.Width, _rows.Size, registers);
        _items = new(_expanded.Groups.Length, _output.Height, threads);
        _sweepsAcross = _stride == 1 && SeparatedSweeps<TLanes, TVector, IdentityActivation>.Has(_columns.Size);
        _sweepsDown = _stride == 1 && SeparatedSweeps<TLanes, TVector, IdentityActivation>.Has(_rows.Size);
    }

    public override int Items => _items.Count;

    public override long ScratchFloats => Layout(null, out _);

    // Without a 2×2 the 1×K reads the expanded rows.
    private int ActivatedRows => _twoByTwo is null ? 0 : _middleRows;

    public override void Run(in ImageMaps maps, int first, int end, float* scratch)
    {
        Layout(scratch, out var buffers);
        _expanded.ClearBorders(scratch);
        while (first < end)
        {
            (var group, var firstRow, var endRow, first) = _items.Take(first, end);
            RunGroup(maps, _expanded.Groups[group], firstRow, endRow, scratch, buffers);
        }
    }

    private int Window(int outputRows) => ((outputRows - 1) * _stride) + _rows.Size;

    private void RunGroup(in ImageMaps maps, PointwiseGroup group, int firstRow, int endRow, float* scratch, in Buffers buffers)
    {
        var expanded = new ExpandedRows<TLanes, TVector>(_expanded, group, maps[_expanded.From], scratch);
        var nextMiddle = Math.Max(0, (firstRow * _stride) - _rows.Border);
        for (var row = firstRow; row < endRow; row += _chunk)
        {
            var count = Math.Min(_chunk, endRow - row);
            var top = (row * _stride) - _rows.Border;
            var first = Math.Max(nextMiddle, top);
            nextMiddle = Math.Max(first, Math.Min(_input.Height, top + Window(count)));
            expanded.Advance(Math.Max(0, first - _halo), Math.Min(_expanded.Map.Height, nextMiddle + _halo));
            for (var vector = 0; vector < group.Vectors; vector++)
            {
                if (nextMiddle > first) MakeMiddle(expanded, group.Block, vector, first, nextMiddle, buffers);
                MakeOutput(maps, group.Block, vector, row, count, buffers);
            }
        }
    }

    /// <summary>2×2 and 1×K: rows of the map that the K×1 reads.</summary>
    private void MakeMiddle(in ExpandedRows<TLanes, TVector> expanded, int firstBlock, int vector, int first, int end, in Buffers b)
    {
        var lanes = TLanes.Count;
        var block = firstBlock + vector;
        var rows = end - first;
        var activatedRow = (nint)_input.Width * lanes;
        if (_twoByTwo is { } twoByTwo)
        {
            var size = twoByTwo.Size(block);
            var top = first - 1 + twoByTwo.FirstRow(block);
            var left = twoByTwo.FirstColumn(block) * lanes;
            for (var i = 0; i < rows + size - 1; i++) b.Source[i] = expanded.Row(vector, top + i) + left;
            if (size == 2 && _sweepsAcross)
            {
                for (var i = 0; i < rows; i++) b.Destination[i] = MiddleRow(vector, first + i, b);
                SweepAcross(twoByTwo, block, rows, b);
                return;
            }

            for (var i = 0; i < rows; i++) b.Destination[i] = b.Activated + (i * activatedRow);
            var two = Tile(rows, size, size, twoByTwo.Weights(block), twoByTwo.Bias(block), b);
            DepthwiseTileRuns<TLanes, TVector, Stride1>.Run(_twoByTwoRuns, &two);
        }

        for (var i = 0; i < rows; i++)
        {
            b.Source[i] = _twoByTwo is null ? expanded.Row(vector, first + i) : b.Activated + (i * activatedRow);
            b.Destination[i] = MiddleRow(vector, first + i, b);
        }

        b.Across.Pack(_horizontal.Weights(block) + (_columns.Skipped * lanes));
        ActivationTypes.Run(_between, new AcrossCall(b, rows, _horizontal.Bias(block)));
    }

    private void SweepAcross(PackedTwoByTwo twoByTwo, int block, int rows, in Buffers b)
    {
        AcrossSweep sweep;
        sweep.Source = b.Source;
        sweep.Destination = b.Destination;
        sweep.Rows = rows;
        sweep.Width = _input.Width;
        sweep.Edge = 0;
        sweep.Prefetch = Prefetch.None;
        sweep.TwoByTwo = twoByTwo.Weights(block);
        sweep.TwoByTwoBias = twoByTwo.Bias(block);
        sweep.Horizontal = _horizontal.Weights(block) + (_columns.Skipped * TLanes.Count);
        sweep.HorizontalBias = _horizontal.Bias(block);
        ActivationTypes.Run(_between, new AcrossSweepCall(_columns.Size, &sweep));
    }

    private DepthwiseTile Tile(int rows, int height, int width, float* weights, float* bias, in Buffers b)
    {
        DepthwiseTile tile;
        tile.Source = b.Source;
        tile.Destination = b.Destination;
        tile.RowStride = 1;
        tile.Rows = rows;
        tile.KernelHeight = height;
        tile.KernelWidth = width;
        tile.WeightRow = width * TLanes.Count;
        tile.Weights = weights;
        tile.Bias = bias;
        tile.Activation = _between;
        return tile;
    }

    /// <summary>K×1.</summary>
    private void MakeOutput(in ImageMaps maps, int firstBlock, int vector, int row, int count, in Buffers b)
    {
        var lanes = TLanes.Count;
        var block = firstBlock + vector;
        var outputRow = (nint)_output.Width * lanes;
        var top = (row * _stride) - _rows.Border;
        var output = maps[Slot.Middle] + ((nint)block * _output.Pixels * lanes) + (row * outputRow);
        var firstReal = Math.Max(0, top);
        var endReal = Math.Min(_input.Height, top + Window(count));
        if (_sweepsDown && endReal - top >= _rows.Size - 1)
        {
            for (var i = firstReal; i < endReal; i++) b.Source[i - firstReal] = MiddleRow(vector, i, b);
            DownSweep sweep;
            sweep.Source = b.Source;
            sweep.Rows = endReal - firstReal;
            sweep.Before = firstReal - top;
            sweep.After = top + Window(count) - endReal;
            sweep.Destination = output;
            sweep.DestinationRow = outputRow;
            sweep.Prefetch = Prefetch.None;
            sweep.Width = _output.Width;
            sweep.Vertical = _vertical.Weights(block) + (_rows.Skipped * lanes);
            sweep.VerticalBias = _vertical.Bias(block);
            ActivationTypes.Run(_after, new DownSweepCall(_rows.Size, &sweep));
            return;
        }

        for (var i = firstReal; i < endReal; i++) b.Source[i - top] = MiddleRow(vector, i, b);
        for (var i = 0; i < count; i++) b.Destination[i] = output + (i * outputRow);
        for (var i = 0; i < count;)
        {
            // Rows at an edge one by one, without the taps that lie outside; those between together.
            var above = Math.Max(0, -(top + (i * _stride)));
            var taps = Math.Min(_rows.Size, _input.Height - (top + (i * _stride))) - above;
            var rows = 1;
            while (taps == _rows.Size && i + rows < count && top + ((i + rows) * _stride) + _rows.Size <= _input.Height) rows++;
            var weights = _vertical.Weights(block) + ((nint)(_rows.Skipped + above) * lanes);
            var tile = Tile(rows, taps, 1, weights, _vertical.Bias(block), b);
            tile.Source += (i * _stride) + above;
            tile.Destination += i;
            tile.RowStride = _stride;
            tile.Activation = _after;
            DepthwiseTileRuns<TLanes, TVector, Stride1>.Run(_verticalRuns, &tile);
            i += rows;
        }
    }

    private float* MiddleRow(int vector, int row, in Buffers b) =>
        b.Middle + ((((nint)vector * _middleRows) + Ring.Place(row, _middleRows)) * _output.Width * TLanes.Count);

    private long Layout(float* scratch, out Buffers buffers)
    {
        var taken = _expanded.ScratchFloats;
        buffers = default;
        KernelMemory.LeaveAllOwn();
        var layout = new ScratchLayout(scratch == null ? null : scratch + taken, TLanes.Count);
        buffers.Across = new(ref layout, _input.Width, _columns.Size, _stride, hasBackward: false);
        taken += layout.Taken;
        buffers.Activated = scratch + taken;
        taken += (long)ActivatedRows * _input.Width * TLanes.Count;
        buffers.Middle = scratch + taken;
        taken += (long)PointwisePlan.MaxVectors * _middleRows * _output.Width * TLanes.Count;
        taken = (taken + 15) / 16 * 16;
        buffers.Source = (float**)(scratch + taken);
        taken += PointerTable.Floats(Math.Max(_middleRows + 2, Window(_chunk)));
        buffers.Destination = (float**)(scratch + taken);
        return taken + PointerTable.Floats(Math.Max(_middleRows, _chunk));
    }

    private struct Buffers
    {
        public LineConvolution<TLanes, TVector> Across;
        public float* Activated;
        public float* Middle;
        public float** Source;
        public float** Destination;
    }

    private readonly struct AcrossSweepCall(int kernel, AcrossSweep* sweep) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation => SeparatedSweeps<TLanes, TVector, TActivation>.Across(kernel, sweep);
    }

    private readonly struct DownSweepCall(int kernel, DownSweep* sweep) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation => SeparatedSweeps<TLanes, TVector, TActivation>.Down(kernel, sweep);
    }

    private readonly struct AcrossCall(Buffers buffers, int rows, float* bias) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            for (var i = 0; i < rows; i++)
            {
                buffers.Across.Infer<TActivation>(buffers.Source[i], TLanes.Count, buffers.Destination[i], TLanes.Count, bias);
            }
        }
    }
}
