namespace XSepConv.Kernels;

/// <summary>
/// A 1×1 convolution's tiles of one size, one after the other. Maps are [channel block][pixel][lane]; distances in floats.
/// </summary>
internal unsafe struct PointwiseTile
{
    /// <summary>The first pixel, of the first channel.</summary>
    public float* Input;

    /// <summary>From one block of input channels to the next.</summary>
    public nint Outer;

    /// <summary>Input channels in all.</summary>
    public int Channels;

    /// <summary>[vector][input channel][lane].</summary>
    public float* Weights;

    /// <summary>From one vector's weights to the next one's.</summary>
    public nint WeightBlock;

    /// <summary>[vector][lane]: what the sums begin with.</summary>
    public float* Bias;

    /// <summary>Whether they begin with what is in the output instead.</summary>
    public bool Continues;

    /// <summary>Whether the last vector has channels in its lower half alone.</summary>
    public bool IsLastHalf;

    public float* Output;

    /// <summary>From one vector of output channels to the next.</summary>
    public nint OutputBlock;

    /// <summary>Added to the output where there is no activation, in its layout; may be the output itself. Null for nothing.</summary>
    public float* Residual;

    public TileActivation Activation;

    /// <summary>How many tiles, and from one to the next.</summary>
    public int Count;
    public nint InputStep;
    public nint OutputStep;
}
