namespace XSepConv.Kernels;

/// <summary>Weights of the XSepConv stage: [C, 1, 2, 2], [C, 1, 1, K], [C, 1, K, 1], and its three batch normalisations.</summary>
internal unsafe struct XSepStageParameters
{
    public float* TwoByTwo;
    public float* Horizontal;
    public float* Vertical;
    public BatchNormParameters First;
    public BatchNormParameters Second;
    public BatchNormParameters Third;
}

/// <summary>The six vectors that training's forward leaves for backward.</summary>
internal struct XSepStageStatistics
{
    public BatchNormStatistics First;
    public BatchNormStatistics Second;
    public BatchNormStatistics Third;
}

/// <summary>Where backward writes; overwritten, not added to.</summary>
internal unsafe struct XSepStageGradients
{
    public float* Input;
    public float* TwoByTwo;
    public float* Horizontal;
    public float* Vertical;
    public BatchNormGradients First;
    public BatchNormGradients Second;
    public BatchNormGradients Third;
}
