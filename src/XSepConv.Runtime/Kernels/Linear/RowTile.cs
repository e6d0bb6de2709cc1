namespace XSepConv.Kernels;

/// <summary>One tile of a linear layer.</summary>
internal unsafe struct RowTile
{
    public float* Input;
    public nint InputRow;
    public int Channels;

    /// <summary>[input][vector][lane].</summary>
    public float* Weights;

    public float* Bias;
    public float* Output;
    public nint OutputRow;
    public TileActivation Activation;
}
