namespace XSepConv.Kernels;

/// <summary>The gradients of a norm's shift and scale.</summary>
internal static unsafe class NormGradients
{
    /// <summary>Writes those of an item's channels from two vectors of sums.</summary>
    public static void Unpack(this in ItemLanes item, float* sums, in BatchNormGradients gradients)
    {
        item.Unpack(sums, 1, gradients.Bias);
        item.Unpack(sums + item.Lanes, 1, gradients.Weight);
    }
}
