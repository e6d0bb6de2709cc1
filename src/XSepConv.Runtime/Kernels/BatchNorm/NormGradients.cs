namespace XSepConv.Kernels;

/// <summary>The gradients of a norm's shift and scale.</summary>
internal static unsafe class NormGradients
{
    /// <summary>Writes those of an item's channels from two vectors of sums.</summary>
    public static void Unpack<TLanes, TVector>(this in ItemLanes item, float* sums, in BatchNormGradients gradients)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        item.Unpack(sums, 1, gradients.Bias);
        item.Unpack(sums + TLanes.Count, 1, gradients.Weight);
    }
}
