using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// What a convolution does with each result: add it to its lane's sum, or shift and activate it (scale is folded into the weights).
/// </summary>
internal interface ITapFinish
{
    /// <summary>Sums are wanted, batch statistics not yet known.</summary>
    static abstract bool IsMeasured { get; }

    static abstract TVector Apply<TLanes, TVector>(TVector value)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged;
}

/// <summary>Training: the value as it is, and its sum.</summary>
internal readonly struct MeasuredFinish : ITapFinish
{
    public static bool IsMeasured => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector value)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged => value;
}

/// <summary>Inference: shifted, then activated.</summary>
internal readonly struct ActivatedFinish<TActivation> : ITapFinish
    where TActivation : struct, IActivation
{
    public static bool IsMeasured => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector value)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged => TActivation.Apply<TLanes, TVector>(value);
}
