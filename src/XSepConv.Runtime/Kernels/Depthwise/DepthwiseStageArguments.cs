using System.Diagnostics;

namespace XSepConv.Kernels;

/// <summary>Weights of the depthwise stage, [C, 1, K, K], and its batch normalisation.</summary>
internal unsafe struct DepthwiseStageParameters
{
    public float* Weights;
    public BatchNormParameters Norm;

    [Conditional("DEBUG")]
    public readonly void AddTo(in CallMemory memory, int channels, int kernel)
    {
        memory.Add(Weights, (long)kernel * kernel * channels);
        Norm.AddTo(memory, channels);
    }
}

/// <summary>Where backward writes; overwritten, not added to.</summary>
internal unsafe struct DepthwiseStageGradients
{
    public float* Input;
    public float* Weights;
    public BatchNormGradients Norm;

    /// <summary>All but the input's.</summary>
    [Conditional("DEBUG")]
    public readonly void AddTo(in CallMemory memory, int channels, int kernel)
    {
        memory.Add(Weights, (long)kernel * kernel * channels);
        Norm.AddTo(memory, channels);
    }
}
