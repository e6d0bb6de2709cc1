namespace XSepConv.Kernels;

/// <summary>A part of some neighbouring results: result p gains Σ weights[t] · values[p + t].</summary>
internal unsafe struct LineRun
{
    /// <summary>A vector for each tap.</summary>
    public float* Weights;

    /// <summary>From one tap's vector to the next, in floats; negative where they are taken from the last to the first.</summary>
    public nint WeightStep;

    public float* Values;

    public int Taps;
}

/// <summary>Neighbouring results of a line: the sum of some runs.</summary>
internal unsafe struct LineTile
{
    /// <summary>The first result.</summary>
    public int First;

    public int RunCount;
    public LineRun* Runs;
}

/// <summary>Where a line's results go, and what is done with them on the way; a finish takes what it needs.</summary>
internal unsafe struct LineOutput
{
    public float* Destination;

    /// <summary>From one result to the next, in floats.</summary>
    public nint Step;

    /// <summary>A vector that each result begins with.</summary>
    public float* Bias;

    /// <summary>What the batch normalisation before the line was given, in the places of the destination.</summary>
    public float* Given;

    /// <summary>Its coefficients.</summary>
    public float* Scale;
    public float* Shift;
    public float* Mean;

    /// <summary>Written: the line's values after the nonlinearity, one vector after the other.</summary>
    public float* Value;

    /// <summary>Two vectors that sums are added to.</summary>
    public float* Sums;
}
