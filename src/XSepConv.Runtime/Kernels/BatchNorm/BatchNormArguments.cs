using System.Diagnostics;

namespace XSepConv.Kernels;

/// <summary>One batch normalisation's parameters and buffers, each [C].</summary>
internal unsafe struct BatchNormParameters
{
    /// <summary>Null where there is no norm, but only what a convolution adds to its results.</summary>
    public float* Weight;

    /// <summary>Null where there is not even that.</summary>
    public float* Bias;

    /// <summary>A whole block's norm takes the running statistics; without a weight it has none, and this is set.</summary>
    public bool Frozen;

    /// <summary>Read at inference. Training updates it where it is not null.</summary>
    public float* RunningMean;

    /// <summary>Read at inference. Training updates it, with the unbiased variance, where it is not null.</summary>
    public float* RunningVariance;

    public double Epsilon;

    /// <summary>The new statistics' share in the running ones.</summary>
    public double Momentum;

    [Conditional("DEBUG")]
    public readonly void AddTo(in CallMemory memory, int channels)
    {
        memory.Add(Weight, channels);
        memory.Add(Bias, channels);
        memory.Add(RunningMean, channels);
        memory.Add(RunningVariance, channels);
    }
}

/// <summary>What one batch normalisation divides by, each [C]: written by training's forward, read by backward.</summary>
internal unsafe struct BatchNormStatistics
{
    public float* Mean;
    public float* InverseStd;

    [Conditional("DEBUG")]
    public readonly void AddTo(in CallMemory memory, int channels)
    {
        memory.Add(Mean, channels);
        memory.Add(InverseStd, channels);
    }
}

/// <summary>Gradients of one batch normalisation's scale and shift, each [C]; overwritten, not added to.</summary>
internal unsafe struct BatchNormGradients
{
    public float* Weight;
    public float* Bias;

    [Conditional("DEBUG")]
    public readonly void AddTo(in CallMemory memory, int channels)
    {
        memory.Add(Weight, channels);
        memory.Add(Bias, channels);
    }
}
