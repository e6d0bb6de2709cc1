namespace XSepConv.Kernels;

/// <summary>The stage's weights and coefficients of one item, packed into lanes.</summary>
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

    public readonly void Pack(in ItemLanes item, in XSepStageParameters parameters, int kernel)
    {
        PackWeights(item, parameters, kernel);
        if (parameters.TwoByTwo != null) Pack(item, parameters.First, First);
        Pack(item, parameters.Second, Second);
        Pack(item, parameters.Third, Third);
    }

    /// <summary>The same with the running statistics' normalisations folded into weights and shifts.</summary>
    public readonly void Fold(in ItemLanes item, in XSepStageParameters parameters, int kernel)
    {
        PackWeights(item, parameters, kernel);
        NormStatistics<TLanes, TVector>.Fold(item, parameters.First, First, TwoByTwo, 4);
        NormStatistics<TLanes, TVector>.Fold(item, parameters.Second, Second, Horizontal, kernel);
        NormStatistics<TLanes, TVector>.Fold(item, parameters.Third, Third, Vertical, kernel);
    }

    private readonly void PackWeights(in ItemLanes item, in XSepStageParameters parameters, int kernel)
    {
        if (parameters.TwoByTwo != null) item.Pack<TLanes, TVector>(parameters.TwoByTwo, 4, TwoByTwo);
        item.Pack<TLanes, TVector>(parameters.Horizontal, kernel, Horizontal);
        item.Pack<TLanes, TVector>(parameters.Vertical, kernel, Vertical);
    }

    private static void Pack(in ItemLanes item, in BatchNormParameters parameters, in NormLanes norm)
    {
        item.Pack<TLanes, TVector>(parameters.Weight, 1, norm.Weight);
        item.Pack<TLanes, TVector>(parameters.Bias, 1, norm.Bias);
    }
}
