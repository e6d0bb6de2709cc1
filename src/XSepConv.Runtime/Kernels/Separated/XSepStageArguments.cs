using System.Diagnostics;

namespace XSepConv.Kernels;

/// <summary>Weights of the XSepConv stage: [C, 1, 2, 2], [C, 1, 1, K], [C, 1, K, 1], and its three batch normalisations.</summary>
internal unsafe struct XSepStageParameters
{
    /// <summary>Null where it is skipped, with the norm after it.</summary>
    public float* TwoByTwo;
    public float* Horizontal;
    public float* Vertical;
    public BatchNormParameters First;
    public BatchNormParameters Second;
    public BatchNormParameters Third;

    [Conditional("DEBUG")]
    public readonly void AddTo(in CallMemory memory, int channels, int kernel)
    {
        memory.Add(TwoByTwo, 4L * channels);
        memory.Add(Horizontal, (long)kernel * channels);
        memory.Add(Vertical, (long)kernel * channels);
        First.AddTo(memory, channels);
        Second.AddTo(memory, channels);
        Third.AddTo(memory, channels);
    }
}

/// <summary>The six vectors that training's forward leaves for backward.</summary>
internal struct XSepStageStatistics
{
    public BatchNormStatistics First;
    public BatchNormStatistics Second;
    public BatchNormStatistics Third;

    /// <summary>Whether float32 holds the squares that they come from.</summary>
    public readonly bool ArePlain(int channels) => First.IsPlain(channels) && Second.IsPlain(channels) && Third.IsPlain(channels);

    [Conditional("DEBUG")]
    public readonly void AddTo(in CallMemory memory, int channels)
    {
        First.AddTo(memory, channels);
        Second.AddTo(memory, channels);
        Third.AddTo(memory, channels);
    }
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

    /// <summary>All but the input's.</summary>
    [Conditional("DEBUG")]
    public readonly void AddTo(in CallMemory memory, int channels, int kernel)
    {
        memory.Add(TwoByTwo, 4L * channels);
        memory.Add(Horizontal, (long)kernel * channels);
        memory.Add(Vertical, (long)kernel * channels);
        First.AddTo(memory, channels);
        Second.AddTo(memory, channels);
        Third.AddTo(memory, channels);
    }
}
