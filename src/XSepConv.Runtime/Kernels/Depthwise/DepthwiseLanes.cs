namespace XSepConv.Kernels;

/// <summary>The depthwise stage's weights and coefficients of one item, packed into lanes.</summary>
internal unsafe struct DepthwiseLanes<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public float* Weights;
    public NormLanes Norm;

    /// <summary>A vector of zeros.</summary>
    public float* Zero;

    public DepthwiseLanes(ref ScratchLayout layout, int kernel)
    {
        Weights = layout.Vectors(kernel * kernel);
        Norm = new NormLanes(ref layout);
        Zero = layout.Zeros(1);
    }

    public readonly void Pack(in ItemLanes item, in DepthwiseStageParameters parameters, int kernel)
    {
        item.Pack<TLanes, TVector>(parameters.Weights, kernel * kernel, Weights);
        item.Pack<TLanes, TVector>(parameters.Norm.Weight, 1, Norm.Weight);
        item.Pack<TLanes, TVector>(parameters.Norm.Bias, 1, Norm.Bias);
    }
}
