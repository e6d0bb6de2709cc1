using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>min(max(z, 0), 6).</summary>
internal readonly struct Relu6Activation : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector z)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged => TLanes.Min(TLanes.Splat(6), TLanes.Max(TLanes.Splat(0), z));

    // As torch's, it is flat on both kinks.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TLanes, TVector>(TVector z, TVector gradient, out TVector value)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged
    {
        value = Apply<TLanes, TVector>(z);
        return TLanes.WherePositive(z, TLanes.WherePositive(TLanes.Subtract(TLanes.Splat(6), z), gradient));
    }
}
