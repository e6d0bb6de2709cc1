namespace XSepConv.Kernels;

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
    public Prefetch Prefetch;

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
    public Prefetch Prefetch;

    public float* Vertical;
    public float* VerticalBias;
}
