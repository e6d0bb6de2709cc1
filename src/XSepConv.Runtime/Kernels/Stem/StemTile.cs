namespace XSepConv.Kernels;

/// <summary>The stem's tiles of one size, one after the other.</summary>
internal unsafe struct StemTile
{
    /// <summary>The first pixel's first tap.</summary>
    public float* Input;

    /// <summary>Rows of taps, three taps each, and from one to the next.</summary>
    public int Rows;
    public nint Row;

    /// <summary>[vector][row of taps][tap][lane].</summary>
    public float* Weights;

    public nint WeightBlock;
    public float* Bias;
    public float* Output;
    public nint OutputBlock;

    /// <summary>What will be needed soon, from the first pixel on.</summary>
    public Prefetch Prefetch;

    public TileActivation Activation;
    public int Count;
    public nint InputStep;
    public nint OutputStep;
}
