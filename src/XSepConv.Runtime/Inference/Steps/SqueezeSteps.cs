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
            VectorSums<TLanes, TVector>.Sum(mean, maps[from] + ((nint)block * pixels * lanes), pixels);
            VectorSums<TLanes, TVector>.Scale(mean, 1f / pixels);
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
                layer, first, end, maps[Slot.Pooled], maps[Slot.Squeezed] + ((nint)first * PackedLinear.GroupVectors * TLanes.Count),
                TileActivation.ReLU);
        }
    }
}

/// <summary>Squeeze-excite's second layer, with hsigmoid, and what it gates: map ← act(map · gate), or map · gate + residual.</summary>
internal sealed unsafe class GateStep<TLanes, TVector>(PackedLinear layer, int pixels, Slot map, Slot? residual, TileActivation activation)
    : MapStep
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
                GateKernel<TLanes, TVector>.Run(maps[map] + plane, gate, residual is { } added ? maps[added] + plane : null, pixels,
                    activation);
            }
        }
    }
}
