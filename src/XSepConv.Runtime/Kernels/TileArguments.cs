namespace XSepConv.Kernels;

/// <summary>A 1×1 convolution's tiles of one size, one after the other. Maps are [channel block][pixel][lane]; distances in floats.</summary>
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

    /// <summary>[vector][lane].</summary>
    public float* Bias;

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
    public Ahead Ahead;

    public TileActivation Activation;
    public int Count;
    public nint InputStep;
    public nint OutputStep;
}

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

/// <summary>2×2 and 1×K, stride 1, on some rows of one block of channels.</summary>
internal unsafe struct AcrossSweep
{
    /// <summary>One row more than there are results; each begins at the first column that the 2×2 reads.</summary>
    public float** Source;

    public float** Destination;
    public int Rows;

    /// <summary>Columns of the result, more than K/2.</summary>
    public int Width;

    /// <summary>Which column of the source is not there and zero: −1 before the first, 1 after the last, 0 none.</summary>
    public int Edge;

    /// <summary>What will be needed soon.</summary>
    public Ahead Ahead;

    public float* TwoByTwo;
    public float* TwoByTwoBias;
    public float* Horizontal;
    public float* HorizontalBias;
}

/// <summary>K×1, stride 1, on one block of channels.</summary>
internal unsafe struct DownSweep
{
    /// <summary>The rows that there are.</summary>
    public float** Source;

    public int Rows;

    /// <summary>Rows of zeros before and after them, K/2 at most; more than K/2 rows are there.</summary>
    public int Before;
    public int After;

    /// <summary>The first row of the result.</summary>
    public float* Destination;

    public nint DestinationRow;
    public int Width;

    /// <summary>What will be needed soon.</summary>
    public Ahead Ahead;

    public float* Vertical;
    public float* VerticalBias;
}
