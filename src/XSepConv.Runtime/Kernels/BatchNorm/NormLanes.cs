namespace XSepConv.Kernels;

/// <summary>One batch normalisation's coefficients of an item, a vector each: the same in all lanes, or one per channel.</summary>
internal readonly unsafe struct NormLanes(ref ScratchLayout layout)
{
    private const int Vectors = 10;

    private readonly int _lanes = layout.Lanes;
    private readonly float* _memory = layout.Vectors(Vectors);

    public float* Weight => _memory;

    public float* Bias => _memory + _lanes;

    public float* Mean => _memory + (2 * _lanes);

    public float* Variance => _memory + (3 * _lanes);

    public float* InverseStd => _memory + (4 * _lanes);

    /// <summary>y = x · scale + shift.</summary>
    public float* Scale => _memory + (5 * _lanes);

    public float* Shift => _memory + (6 * _lanes);

    /// <summary>Backward: the input's gradient is gradient · direct + input · slope + offset.</summary>
    public float* Direct => _memory + (7 * _lanes);

    public float* Slope => _memory + (8 * _lanes);

    public float* Offset => _memory + (9 * _lanes);
}
