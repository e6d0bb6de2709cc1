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
    // A variance up to 1e18 has squared deviations far below float32's 3e38, whatever the batch; one down to 1e-30 has them far above its
    // 1e-38.
    private const float MinInverseStd = 1e-9f;
    private const float MaxInverseStd = 1e15f;
    private const float MaxMean = 1e18f;

    public float* Mean;
    public float* InverseStd;

    /// <summary>Whether float32 holds the squares that they come from; not of NaN.</summary>
    public readonly bool IsPlain(int channels)
    {
        for (var c = 0; c < channels; c++)
        {
            if (!(InverseStd[c] is >= MinInverseStd and <= MaxInverseStd && Math.Abs(Mean[c]) <= MaxMean)) return false;
        }

        return true;
    }

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
