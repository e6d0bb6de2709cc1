namespace XSepConv.Kernels;

/// <summary>One tile of a linear layer.</summary>
internal unsafe struct RowTile
{
    public float* Input;
    public nint InputRow;
    public int Channels;

    /// <summary>[input][vector][lane]; of BF16 [pair of inputs][vector][lane], the first input in the lower half of a lane.</summary>
    public float* Weights;

    /// <summary>Of BF16, what an output's sum is multiplied by: batch normalisation changes no weight there.</summary>
    public float* Scale;

    public float* Bias;
    public float* Output;
    public nint OutputRow;
    public TileActivation Activation;
}
