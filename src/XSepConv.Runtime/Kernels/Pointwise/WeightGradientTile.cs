namespace XSepConv.Kernels;

/// <summary>
/// The weights' gradient of a 1×1 convolution over some pixels: R channels of its narrower side × V vectors of the wider.
/// </summary>
internal unsafe struct WeightGradientTile
{
    /// <summary>The first of the R channels at the first pixel, [pixel][lane].</summary>
    public float* Narrow;

    /// <summary>The first of the V vectors at the first pixel, and from one vector's pixels to the next one's.</summary>
    public float* Wide;
    public nint WideBlock;

    public int Pixels;

    /// <summary>Added to: [vector][channel][lane], and from one vector's to the next one's.</summary>
    public float* Sums;
    public nint SumBlock;
}
