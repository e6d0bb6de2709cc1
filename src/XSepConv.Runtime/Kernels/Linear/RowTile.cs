namespace XSepConv.Kernels;

/// <summary>One tile of a linear layer.</summary>
internal unsafe struct RowTile
{
    public float* Input;
    public nint InputRow;
    public int Channels;

    /// <summary>
    /// [input][vector][lane], of INT8 in bytes; of BF16 [pair of inputs][vector][lane], the first input in the lower half of a lane.
    /// </summary>
    public float* Weights;

    /// <summary>
    /// Of BF16 and INT8, what an output's sum is multiplied by: batch normalisation and the scale of INT8 change no weight.
    /// </summary>
    public float* Scale;

    public float* Bias;
    public float* Output;
    public nint OutputRow;
    public TileActivation Activation;
}
