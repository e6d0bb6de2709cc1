namespace XSepConv.Kernels;

/// <summary>One batch normalisation's coefficients of an item, a vector each: the same in all lanes, or one per channel.</summary>
internal readonly unsafe struct NormLanes(float* memory, int lanes)
{
    /// <summary>Vectors that the coefficients take.</summary>
    public const int Vectors = 11;

    public float* Weight => memory;

    public float* Bias => memory + lanes;

    public float* Mean => memory + (2 * lanes);

    public float* Variance => memory + (3 * lanes);

    public float* InverseStd => memory + (4 * lanes);

    /// <summary>y = x · scale + shift.</summary>
    public float* Scale => memory + (5 * lanes);

    public float* Shift => memory + (6 * lanes);

    /// <summary>Backward: the input's gradient is gradient · direct + input · slope + offset.</summary>
    public float* Direct => memory + (7 * lanes);

    public float* Slope => memory + (8 * lanes);

    public float* Offset => memory + (9 * lanes);

    /// <summary>A vector of zeros, where a sum is not wanted.</summary>
    public float* Spare => memory + (10 * lanes);
}
