using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>The last 1×1 convolution with its activation and the global average pool: the map between them is never whole.</summary>
internal sealed unsafe class LastStep<TLanes, TVector> : MapStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private const int MaxPixels = 252;

    private readonly PackedPointwise _layer;
    private readonly int _pixels;
    private readonly Slot _from;
    private readonly TileActivation _activation;
    private readonly PointwiseGroup[] _groups;
    private readonly TileRun[][] _restRuns;

    public LastStep(PackedPointwise layer, int pixels, Slot from, TileActivation activation)
    {
        (_layer, _pixels, _from, _activation) = (layer, pixels, from, activation);
        var registers = PointwisePlan.Registers(TLanes.Count);
        _groups = PointwisePlan.Create(layer.Outputs, TLanes.Count, Math.Min(pixels, MaxPixels), layer.Inputs);
        var rest = pixels % MaxPixels;
        _restRuns = [.. Enumerable.Range(0, PointwisePlan.MaxVectors + 1).Select(vectors =>
            vectors == 0 || rest == 0 ? [] : PointwisePlan.Runs(vectors, rest, layer.Inputs, registers))];
    }

    public override int Items => _groups.Length;

    // Outputs of some pixels, and what their sums lost.
    public override long ScratchFloats => (long)PointwisePlan.MaxVectors * (Math.Min(_pixels, MaxPixels) + 1) * TLanes.Count;

    public override void Run(in ImageMaps maps, int first, int end, float* scratch)
    {
        var lanes = TLanes.Count;
        var lost = scratch + ((nint)PointwisePlan.MaxVectors * Math.Min(_pixels, MaxPixels) * lanes);
        PointwiseTile tile = default;
        tile.Outer = (nint)_pixels * lanes;
        tile.Channels = _layer.Inputs;
        tile.WeightBlock = (nint)_layer.WeightBlock;
        tile.Activation = _activation;
        for (var item = first; item < end; item++)
        {
            var group = _groups[item];
            tile.Weights = _layer.Weights(group.Block);
            tile.Bias = _layer.Bias(group.Block);
            tile.IsLastHalf = group.IsLastHalf;
            var means = maps[Slot.Features] + (group.Block * lanes);
            new Span<float>(means, group.Vectors * lanes).Clear();
            new Span<float>(lost, group.Vectors * lanes).Clear();
            for (var pixel = 0; pixel < _pixels; pixel += MaxPixels)
            {
                var count = Math.Min(MaxPixels, _pixels - pixel);
                tile.OutputBlock = (nint)count * lanes;
                tile.Input = maps[_from] + ((nint)pixel * lanes);
                tile.Output = scratch;
                var runs = pixel + MaxPixels <= _pixels || pixel == 0 ? group.Runs : _restRuns[group.Vectors];
                PointwiseTileRuns<TLanes, TVector>.Run(runs, group.Vectors, &tile);

                for (var vector = 0; vector < group.Vectors; vector++)
                {
                    VectorSums<TLanes, TVector>.AddTo(
                        means + (vector * lanes), lost + (vector * lanes), scratch + (vector * tile.OutputBlock), count);
                }
            }

            for (var vector = 0; vector < group.Vectors; vector++)
            {
                VectorSums<TLanes, TVector>.Scale(means + (vector * lanes), 1f / _pixels);
            }
        }
    }
}
