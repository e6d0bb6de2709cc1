using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>e to the power of each lane.</summary>
internal static class Exponential
{
    private const float Log2E = 1.44269504f;

    // ln 2 in two parts; a multiple of the first, which has 10 bits, is exact.
    private const float Ln2High = 0.693359375f, Ln2Low = -2.12194440e-4f;

    // Added and taken away again, it rounds to whole numbers: floats from 2²³ on have no fractions.
    private const float Rounder = 3 << 22;

    /// <summary>
    /// e^x to 1.2e-7 of its value for x in [−87, 88]; below, that of −87; infinity above 88.4, NaN for NaN.
    /// </summary>
    /// <remarks>
    /// With n = round(x / ln 2), e^x is 2ⁿ · e^r, |r| ≤ ln 2 / 2. There 1 + r + r²·q(r) is within 3.7e-9 of e^r; its last addition rounds
    /// by 6e-8, the ones before by 4e-8 and r itself by 1.5e-8.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Of<TLanes, TVector>(TVector x)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged
    {
        x = TLanes.Min(TLanes.Splat(89), TLanes.Max(TLanes.Splat(-87), x));
        var n = TLanes.Subtract(TLanes.MultiplyAdd(x, TLanes.Splat(Log2E), TLanes.Splat(Rounder)), TLanes.Splat(Rounder));
        var r = TLanes.MultiplyAdd(n, TLanes.Splat(-Ln2High), x);
        r = TLanes.MultiplyAdd(n, TLanes.Splat(-Ln2Low), r);
        var q = TLanes.MultiplyAdd(TLanes.Splat(0.00138145f), r, TLanes.Splat(0.00836875f));
        q = TLanes.MultiplyAdd(q, r, TLanes.Splat(0.04166839f));
        q = TLanes.MultiplyAdd(q, r, TLanes.Splat(0.16666521f));
        q = TLanes.MultiplyAdd(q, r, TLanes.Splat(0.49999994f));
        var power = TLanes.MultiplyAdd(TLanes.MultiplyAdd(r, q, TLanes.Splat(1)), r, TLanes.Splat(1));
        return TLanes.Multiply(power, TLanes.PowerOfTwo(n));
    }
}
