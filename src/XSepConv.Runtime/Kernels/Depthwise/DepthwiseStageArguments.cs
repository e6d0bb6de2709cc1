namespace XSepConv.Kernels;

/// <summary>Weights of the depthwise stage, [C, 1, K, K], and its batch normalisation.</summary>
internal unsafe struct DepthwiseStageParameters
{
    public float* Weights;
    public BatchNormParameters Norm;
}

/// <summary>Where backward writes; overwritten, not added to.</summary>
internal unsafe struct DepthwiseStageGradients
{
    public float* Input;
    public float* Weights;
    public BatchNormGradients Norm;
}
