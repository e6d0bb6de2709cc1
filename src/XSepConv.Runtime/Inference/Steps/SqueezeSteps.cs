using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>The mean of each channel of a map.</summary>
internal sealed unsafe class PoolStep<TLanes, TVector>(int blocks, int pixels, Slot from) : MapStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public override int Items => blocks;

    public override long ScratchFloats => 0;

    public override void Run(in ImageMaps maps, int first, int end, float* scratch)
    {
        var lanes = TLanes.Count;
        for (var block = first; block < end; block++)
        {
            var mean = maps[Slot.Pooled] + (block * lanes);
            new Span<float>(mean, lanes).Clear();
            PlaneKernels<TLanes, TVector>.AddTo(mean, maps[from] + ((nint)block * pixels * lanes), pixels);
            PlaneKernels<TLanes, TVector>.Scale(mean, 1f / pixels);
        }
    }
}

/// <summary>Squeeze-excite's first layer, with ReLU.</summary>
internal sealed unsafe class SqueezeStep<TLanes, TVector>(PackedLinear layer) : MapStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public override int Items => layer.Groups;

    public override long ScratchFloats => 0;

    public override void Run(in ImageMaps maps, int first, int end, float* scratch)
    {
        while (first < end)
        {
            first = LinearRows<TLanes, TVector>.RunRow(
                layer, first, end, maps[Slot.Pooled], maps[Slot.Squeezed] + ((nint)first * PackedLinear.GroupVectors * TLanes.Count), TileActivation.ReLU);
        }
    }
}

/// <summary>Squeeze-excite's second layer, with hsigmoid, and what it gates: map ← act(map · gate), or map · gate + residual.</summary>
internal sealed unsafe class GateStep<TLanes, TVector>(PackedLinear layer, int pixels, Slot map, Slot? residual, TileActivation activation) : MapStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public override int Items => layer.Groups;

    public override long ScratchFloats => 2 * PackedLinear.GroupVectors * TLanes.Count;

    public override void Run(in ImageMaps maps, int first, int end, float* scratch)
    {
        var lanes = TLanes.Count;
        while (first < end)
        {
            var block = first * PackedLinear.GroupVectors;
            first = LinearRows<TLanes, TVector>.RunRow(layer, first, end, maps[Slot.Squeezed], scratch, TileActivation.HSigmoid);
            var endBlock = Math.Min(layer.Blocks, first * PackedLinear.GroupVectors);
            for (var gate = scratch; block < endBlock; block++, gate += lanes)
            {
                var plane = (nint)block * pixels * lanes;
                PlaneKernels<TLanes, TVector>.Gate(maps[map] + plane, gate, residual is { } added ? maps[added] + plane : null, pixels, activation);
            }
        }
    }
}

/// <summary>A group of a linear layer's outputs on some rows.</summary>
internal static unsafe class LinearRows<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public static void Run(
        PackedLinear layer, int group, float* input, nint inputRow, float* output, nint outputRow, int rows, TileActivation activation)
    {
        var tile = Tile(layer, group, input, output, activation);
        tile.InputRow = inputRow;
        tile.OutputRow = outputRow;
        RowTiles<TLanes, TVector>.Run(rows, layer.Vectors(group), &tile);
    }

    /// <summary>One row: the group, and the next with it where there are two whole ones.</summary>
    /// <returns>The group after.</returns>
    public static int RunRow(PackedLinear layer, int group, int end, float* input, float* output, TileActivation activation)
    {
        if (group + 1 == end || layer.Vectors(group + 1) < PackedLinear.GroupVectors)
        {
            Run(layer, group, input, 0, output, 0, 1, activation);
            return group + 1;
        }

        var tile = Tile(layer, group, input, output, activation);
        RowTiles<TLanes, TVector>.RunPair(&tile, (nint)(layer.Weights(group + 1) - layer.Weights(group)));
        return group + 2;
    }

    private static RowTile Tile(PackedLinear layer, int group, float* input, float* output, TileActivation activation)
    {
        RowTile tile;
        tile.Input = input;
        tile.InputRow = 0;
        tile.Channels = layer.Inputs;
        tile.Weights = layer.Weights(group);
        tile.Bias = layer.Bias(group);
        tile.Output = output;
        tile.OutputRow = 0;
        tile.Activation = activation;
        return tile;
    }
}

/// <summary>A linear layer on the features of all images.</summary>
internal sealed unsafe class LinearStep<TLanes, TVector>(PackedLinear layer, int inputRow, TileActivation activation) : FeatureStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    // Images of one group of outputs follow each other: its weights are in cache then.
    private const int Rows = RowTiles<Lanes128, System.Runtime.Intrinsics.Vector128<float>>.MostRows;

    public override int Items(int images) => layer.Groups * Tiles(images);

    public override void Run(float* input, float* output, int images, int first, int end)
    {
        var groupFloats = (nint)PackedLinear.GroupVectors * TLanes.Count;
        if (images == 1)
        {
            while (first < end) first = LinearRows<TLanes, TVector>.RunRow(layer, first, end, input, output + (first * groupFloats), activation);
            return;
        }

        var outputRow = layer.Blocks * TLanes.Count;
        var tiles = Tiles(images);
        for (var item = first; item < end; item++)
        {
            var (group, row) = (item / tiles, item % tiles * Rows);
            LinearRows<TLanes, TVector>.Run(
                layer, group, input + ((nint)row * inputRow), inputRow, output + ((nint)row * outputRow) + (group * groupFloats), outputRow, Math.Min(Rows, images - row), activation);
        }
    }

    private static int Tiles(int images) => (images + Rows - 1) / Rows;
}
