namespace XSepConv.Kernels;

/// <summary>One batch normalisation's parameters and buffers, each [C].</summary>
internal unsafe struct BatchNormParameters
{
    public float* Weight;
    public float* Bias;

    /// <summary>Read at inference. Training updates it where it is not null.</summary>
    public float* RunningMean;

    /// <summary>Read at inference. Training updates it, with the unbiased variance, where it is not null.</summary>
    public float* RunningVariance;

    public double Epsilon;

    /// <summary>The new statistics' share in the running ones.</summary>
    public double Momentum;
}

/// <summary>What one batch normalisation divides by, each [C]: written by training's forward, read by backward.</summary>
internal unsafe struct BatchNormStatistics
{
    public float* Mean;
    public float* InverseStd;
}

/// <summary>Gradients of one batch normalisation's scale and shift, each [C]; overwritten, not added to.</summary>
internal unsafe struct BatchNormGradients
{
    public float* Weight;
    public float* Bias;
}

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
