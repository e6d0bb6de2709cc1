using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>Gives a map to the caller, [C, H, W], an image's after that of the one before.</summary>
internal sealed unsafe class MapOutputStep<TLanes, TVector>(int channels, int pixels, Slot from, int output) : MapStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public override int Items => BlockedMap.Blocks(channels, TLanes.Count);

    public override long ScratchFloats => 0;

    public override void Run(in ImageMaps maps, int first, int end, float* scratch)
    {
        var lanes = TLanes.Count;
        var planes = maps.Outputs[output] + ((nint)maps.Image * channels * pixels);
        for (var block = first; block < end; block++)
        {
            var channel = (nint)block * lanes;
            Reorder<TLanes, TVector>.ToPlanes(
                maps[from] + (channel * pixels), pixels, planes + (channel * pixels), pixels, Math.Min(lanes, channels - (int)channel));
        }
    }
}
