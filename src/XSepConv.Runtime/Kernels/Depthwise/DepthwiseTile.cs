namespace XSepConv.Kernels;

/// <summary>A depthwise convolution of one block of channels. All borders are in the source's rows.</summary>
internal unsafe struct DepthwiseTile
{
    /// <summary>Row r of the result reads the rows from r·<see cref="RowStride"/> on.</summary>
    public float** Source;

    public int RowStride;
    public int KernelHeight;
    public int KernelWidth;

    /// <summary>[kernel row][kernel column][lane].</summary>
    public float* Weights;

    /// <summary>From one kernel row to the next, in floats.</summary>
    public nint WeightRow;

    public float* Bias;

    /// <summary>The result's rows.</summary>
    public float** Destination;

    public int Rows;
    public TileActivation Activation;
}
