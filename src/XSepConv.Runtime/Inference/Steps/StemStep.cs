using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>The 3×3 stem with its activation, from the image as the caller gives it to a blocked map.</summary>
internal sealed unsafe class StemStep<TLanes, TVector, TStride> : MapStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TStride : struct, IStride
{
    private const int Kernel = 3;

    // Rows of the result whose input is copied at once, with the border around it: few enough for the cache.
    private const int ItemRows = 4;
    private const int Lead = 16;

    private readonly PackedPointwise _layer;
    private readonly int _channels;
    private readonly MapSize _input;
    private readonly MapSize _output;
    private readonly Slot _to;
    private readonly TileActivation _activation;
    private readonly PointwiseGroup[] _groups;

    public StemStep(PackedPointwise layer, int channels, MapSize input, TileActivation activation, Slot to)
    {
        (_layer, _channels, _input, _activation, _to) = (layer, channels, input, activation, to);
        _output = input.Strided(TStride.Value);
        _groups = PointwisePlan.ForStem(layer.Blocks, _output.Width, layer.Inputs, PointwisePlan.Registers(TLanes.Count));
    }

    public override int Items => (_output.Height + ItemRows - 1) / ItemRows;

    public override long ScratchFloats => RowsFloats + PointerTable.Floats(_output.Width);

    private long RowsFloats => (long)InputRows * _channels * RowFloats;

    private static int InputRows => ((ItemRows - 1) * TStride.Value) + Kernel;

    // A row's first pixel is at the start of a cache line, the border's before it at the end of another.
    private int RowFloats => (Lead + _input.Width + 1 + Lead - 1) / Lead * Lead;

    /// <summary>The kernel meets the taps as [row][channel][column], torch stores them as [channel][row][column].</summary>
    public static Func<int, int> TapOrder(int channels) => tap =>
    {
        var (row, channel, column) = (tap / (Kernel * channels), tap / Kernel % channels, tap % Kernel);
        return (((channel * Kernel) + row) * Kernel) + column;
    };

    public override void Run(in ImageMaps maps, int first, int end, float* scratch)
    {
        var offsets = (nint*)(scratch + RowsFloats);
        Prefetch.FillOffsets(offsets, _output.Width, TStride.Value * _input.Width, _input.Pixels, _channels, [0]);
        for (var item = first; item < end; item++)
        {
            var row = item * ItemRows;
            RunRows(maps, row, Math.Min(row + ItemRows, _output.Height), scratch, offsets);
        }
    }

    private void RunRows(in ImageMaps maps, int first, int end, float* scratch, nint* offsets)
    {
        var top = (first * TStride.Value) - 1;
        var rows = ((end - first - 1) * TStride.Value) + Kernel;
        for (var row = 0; row < rows; row++) CopyRow(maps, top + row, scratch + ((nint)row * _channels * RowFloats));

        var lanes = TLanes.Count;
        var plane = (nint)_output.Pixels * lanes;
        StemTile tile;
        tile.Row = RowFloats;
        tile.Rows = _layer.Inputs / Kernel;
        tile.WeightBlock = (nint)_layer.WeightBlock;
        tile.OutputBlock = plane;
        tile.Activation = _activation;
        foreach (var group in _groups)
        {
            tile.Weights = _layer.Weights(group.Block);
            tile.Bias = _layer.Bias(group.Block);
            for (var row = first; row < end; row++)
            {
                var input = scratch + ((nint)(row - first) * TStride.Value * _channels * RowFloats);
                var output = maps[_to] + (group.Block * plane) + ((nint)row * _output.Width * lanes);
                var prefetch = group.Block == 0 ? Next(maps, top + rows + ((row - first) * TStride.Value), offsets) : Prefetch.None;
                foreach (var run in group.Runs)
                {
                    tile.Input = input + Lead - 1 + ((nint)run.Offset * TStride.Value);
                    tile.Output = output + ((nint)run.Offset * lanes);
                    tile.Prefetch = prefetch.After(run.Offset);
                    tile.Count = run.Count;
                    tile.InputStep = (nint)run.Pixels * TStride.Value;
                    tile.OutputStep = (nint)run.Pixels * lanes;
                    StemTiles<TLanes, TVector, TStride>.Run(run.Pixels, group.Vectors, &tile);
                }
            }
        }
    }

    /// <summary>
    /// The image comes from far away, and its rows are too short for the processor to see what comes next: those of the next item, a row's
    /// share with a row.
    /// </summary>
    private Prefetch Next(in ImageMaps maps, int row, nint* offsets) =>
        maps.Planes == null || row + TStride.Value > _input.Height ? Prefetch.None
            : new Prefetch(maps.Planes + ((nint)row * _input.Width), offsets);

    private void CopyRow(in ImageMaps maps, int row, float* destination)
    {
        var width = _input.Width;
        for (var channel = 0; channel < _channels; channel++)
        {
            var target = destination + ((nint)channel * RowFloats);
            if (row < 0 || row >= _input.Height)
            {
                new Span<float>(target, RowFloats).Clear();
                continue;
            }

            target += Lead;
            target[-1] = 0;
            target[width] = 0;
            if (maps.Bytes == null)
            {
                var source = maps.Planes + ((((nint)channel * _input.Height) + row) * width);
                VectorMemory<TLanes, TVector>.Copy(source, target, width);
                continue;
            }

            var bytes = maps.Bytes + ((nint)row * width * _channels) + channel;
            var values = maps.ByteTables + (channel * 256);
            KernelMemory.AssertInside(target, width);
            for (var column = 0; column < width; column++) target[column] = values[bytes[(nint)column * _channels]];
        }
    }
}
