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
        for (var group = first; group < end; group++)
        {
            LinearRows<TLanes, TVector>.Run(
                layer, group, maps[Slot.Pooled], 0, maps[Slot.Squeezed] + ((nint)group * PackedLinear.GroupVectors * TLanes.Count), 0, 1, TileActivation.ReLU);
        }
    }
}

/// <summary>Squeeze-excite's second layer, with hsigmoid, and what it gates: map ← act(map · gate), or map · gate + residual.</summary>
internal sealed unsafe class GateStep<TLanes, TVector>(PackedLinear layer, int pixels, Slot map, Slot? residual, TileActivation activation) : MapStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public override int Items => layer.Groups;

    public override long ScratchFloats => PackedLinear.GroupVectors * TLanes.Count;

    public override void Run(in ImageMaps maps, int first, int end, float* scratch)
    {
        var lanes = TLanes.Count;
        for (var group = first; group < end; group++)
        {
            LinearRows<TLanes, TVector>.Run(layer, group, maps[Slot.Squeezed], 0, scratch, 0, 1, TileActivation.HSigmoid);
            for (var vector = 0; vector < layer.Vectors(group); vector++)
            {
                var plane = (nint)((group * PackedLinear.GroupVectors) + vector) * pixels * lanes;
                PlaneKernels<TLanes, TVector>.Gate(
                    maps[map] + plane, scratch + (vector * lanes), residual is { } added ? maps[added] + plane : null, pixels, activation);
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
        RowTile tile;
        tile.Input = input;
        tile.InputRow = inputRow;
        tile.Channels = layer.Inputs;
        tile.Weights = layer.Weights(group);
        tile.Bias = layer.Bias(group);
        tile.Output = output;
        tile.OutputRow = outputRow;
        tile.Activation = activation;
        RowTiles<TLanes, TVector>.Run(rows, layer.Vectors(group), &tile);
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
        var outputRow = layer.Blocks * TLanes.Count;
        var tiles = Tiles(images);
        for (var item = first; item < end; item++)
        {
            var (group, row) = (item / tiles, item % tiles * Rows);
            LinearRows<TLanes, TVector>.Run(
                layer, group, input + ((nint)row * inputRow), inputRow,
                output + ((nint)row * outputRow) + ((nint)group * PackedLinear.GroupVectors * TLanes.Count), outputRow, Math.Min(Rows, images - row), activation);
        }
    }

    private static int Tiles(int images) => (images + Rows - 1) / Rows;
}
