using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>A 1×1 convolution of a whole map: a projection, a shortcut, or the last one where its map is wanted.</summary>
internal sealed unsafe class PointwiseStep<TLanes, TVector> : MapStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private readonly PackedPointwise _layer;
    private readonly int _pixels;
    private readonly Slot _from;
    private readonly Slot _to;
    private readonly Slot? _residual;
    private readonly TileActivation _activation;
    private readonly (int First, PointwiseGroup Group)[] _items;

    public PointwiseStep(
        PackedPointwise layer, int pixels, Slot from, Slot to, Slot? residual, TileActivation activation, int threads)
    {
        (_layer, _pixels, _from, _to, _residual, _activation) = (layer, pixels, from, to, residual, activation);
        var registers = PointwisePlan.Registers(TLanes.Count);
        var chunks = Math.Min(threads, pixels);
        var items = new List<(int, PointwiseGroup)>();
        var groups = PointwisePlan.Create(layer.Outputs, TLanes.Count, (pixels + chunks - 1) / chunks, layer.Inputs);
        for (var chunk = 0; chunk < chunks; chunk++)
        {
            // A thread that gets neighbouring items reads the same pixels again.
            var first = (int)((long)pixels * chunk / chunks);
            var count = (int)((long)pixels * (chunk + 1) / chunks) - first;
            foreach (var group in groups)
            {
                items.Add((first, group with { Runs = PointwisePlan.Runs(group.Vectors, count, layer.Inputs, registers) }));
            }
        }

        _items = [.. items];
    }

    public override int Items => _items.Length;

    public override long ScratchFloats => 0;

    public override void Run(in ImageMaps maps, int first, int end, float* scratch)
    {
        var lanes = TLanes.Count;
        var plane = (nint)_pixels * lanes;
        PointwiseTile tile = default;
        tile.Outer = plane;
        tile.Channels = _layer.Inputs;
        tile.WeightBlock = (nint)_layer.WeightBlock;
        tile.OutputBlock = plane;
        tile.Activation = _activation;
        for (var item = first; item < end; item++)
        {
            var (pixel, group) = _items[item];
            tile.Weights = _layer.Weights(group.Block);
            tile.Bias = _layer.Bias(group.Block);
            tile.IsLastHalf = group.IsLastHalf;
            var offset = (nint)pixel * lanes;
            tile.Input = maps[_from] + offset;
            tile.Output = maps[_to] + (group.Block * plane) + offset;
            tile.Residual = _residual is { } residual ? maps[residual] + (group.Block * plane) + offset : null;
            PointwiseTileRuns<TLanes, TVector>.Run(group.Runs, group.Vectors, &tile);
        }
    }
}
