using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>relu6(z + 3) / 6, the gate of squeeze-excite.</summary>
internal readonly struct HSigmoidActivation : IActivation
{
    // NaN has to stay so, other than in hswish, where it is multiplied by the NaN that it comes from: this one multiplies another map.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector z)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged => TLanes.Min(
            TLanes.Splat(1), TLanes.Max(TLanes.Splat(0), TLanes.MultiplyAdd(z, TLanes.Splat(1f / 6), TLanes.Splat(0.5f))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TLanes, TVector>(TVector z, TVector gradient, out TVector value)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged
    {
        value = Apply<TLanes, TVector>(z);
        return TLanes.WhereWithin(TLanes.Splat(3), z, TLanes.Multiply(gradient, TLanes.Splat(1f / 6)));
    }
}
