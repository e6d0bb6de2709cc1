namespace XSepConv.Kernels;

/// <summary>XSepConv at stride 1 on one plane, neighbouring pixels of a row in the lanes. Weights and biases: one float each.</summary>
internal unsafe struct PlaneSweep
{
    /// <summary>Read up to a vector and a float past its end, and a float before its start where <see cref="Far"/> is negative.</summary>
    public float* Input;

    /// <summary>Columns of a row of the input.</summary>
    public int InputWidth;

    /// <summary>Written up to a vector past its end.</summary>
    public float* Output;

    /// <summary>Of the output, more than K/2 rows.</summary>
    public int Height;

    public int Width;

    /// <summary>The rows above and below the input are: zeros above, zeros below, or (neither) there.</summary>
    public bool ZerosAbove;

    public bool ZerosBelow;

    /// <summary>Where the 2×2's other column lies: 1, the column after; −1, the column before.</summary>
    public int Far;

    /// <summary>All bits in lanes whose pixel has a column there, vectors for each vector of a row.</summary>
    public float* FarMask;

    /// <summary>All bits in lanes whose pixel is one of the row.</summary>
    public float* RowMask;

    /// <summary>What the 2×2 gives: rows with K/2 zeros before and as many and the rest of a vector after them.</summary>
    public float* Middle;

    public int MiddleRow;

    /// <summary>Of <see cref="Middle"/>'s rows, K/2.</summary>
    public int Border;

    /// <summary>The channel's weights, what they are multiplied by, and what is added: a batch normalisation, folded.</summary>
    public float* TwoByTwo;
    public float TwoByTwoScale;
    public float TwoByTwoBias;
    public float* Horizontal;
    public float HorizontalScale;
    public float HorizontalBias;
    public float* Vertical;
    public float VerticalScale;
    public float VerticalBias;
}
