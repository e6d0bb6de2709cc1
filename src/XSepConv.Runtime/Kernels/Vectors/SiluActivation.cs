using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>z · sigmoid(z), that is z / (1 + e⁻ᶻ); also called swish.</summary>
internal readonly struct SiluActivation : IActivation
{
    // Within 2.4e-7 of its value for z from −87 on: of the exponential's 1.2e-7, and the roundings of the addition and the division.
    // Below it is of the order of 1e-36, and 0 from −88.4 on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector z)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged =>
        TLanes.Divide(z, TLanes.Add(TLanes.Splat(1), Exponential.Of<TLanes, TVector>(TLanes.Subtract(TLanes.Splat(0), z))));

    // With s = sigmoid(z) the slope is s · (1 + z · (1 − s)), and 1 − s is e⁻ᶻ · s without cancellation. Where |z| is 87 or more, s is 0 or
    // 1 and z · (1 − s) left out: times e^−87 or infinity it would be anything.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TLanes, TVector>(TVector z, TVector gradient, out TVector value)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged
    {
        var e = Exponential.Of<TLanes, TVector>(TLanes.Subtract(TLanes.Splat(0), z));
        var s = TLanes.Divide(TLanes.Splat(1), TLanes.Add(TLanes.Splat(1), e));
        value = TLanes.Multiply(z, s);
        var ramp = TLanes.WhereWithin(TLanes.Splat(87), z, TLanes.Multiply(value, e));
        return TLanes.Multiply(gradient, TLanes.MultiplyAdd(s, ramp, s));
    }
}
