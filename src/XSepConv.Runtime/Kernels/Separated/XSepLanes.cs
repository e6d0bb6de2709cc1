namespace XSepConv.Kernels;

/// <summary>The stage's weights and coefficients of one item, spread over the lanes.</summary>
internal unsafe struct XSepLanes<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public float* TwoByTwo;
    public float* Horizontal;
    public float* Vertical;
    public NormLanes First;
    public NormLanes Second;
    public NormLanes Third;

    public XSepLanes(ref ScratchLayout layout, int kernel)
    {
        TwoByTwo = layout.Vectors(4);
        Horizontal = layout.Vectors(kernel);
        Vertical = layout.Vectors(kernel);
        First = new NormLanes(ref layout);
        Second = new NormLanes(ref layout);
        Third = new NormLanes(ref layout);
    }

    public readonly void Spread(in ItemLanes item, in XSepStageParameters parameters, int kernel)
    {
        SpreadWeights(item, parameters, kernel);
        Spread(item, parameters.First, First);
        Spread(item, parameters.Second, Second);
        Spread(item, parameters.Third, Third);
    }

    /// <summary>The same with the running statistics' normalisations folded into weights and shifts.</summary>
    public readonly void Fold(in ItemLanes item, in XSepStageParameters parameters, int kernel)
    {
        SpreadWeights(item, parameters, kernel);
        NormStatistics<TLanes, TVector>.Fold(item, parameters.First, First, TwoByTwo, 4);
        NormStatistics<TLanes, TVector>.Fold(item, parameters.Second, Second, Horizontal, kernel);
        NormStatistics<TLanes, TVector>.Fold(item, parameters.Third, Third, Vertical, kernel);
    }

    private readonly void SpreadWeights(in ItemLanes item, in XSepStageParameters parameters, int kernel)
    {
        item.Spread<TLanes, TVector>(parameters.TwoByTwo, 4, TwoByTwo);
        item.Spread<TLanes, TVector>(parameters.Horizontal, kernel, Horizontal);
        item.Spread<TLanes, TVector>(parameters.Vertical, kernel, Vertical);
    }

    private static void Spread(in ItemLanes item, in BatchNormParameters parameters, in NormLanes norm)
    {
        item.Spread<TLanes, TVector>(parameters.Weight, 1, norm.Weight);
        item.Spread<TLanes, TVector>(parameters.Bias, 1, norm.Bias);
    }
}
