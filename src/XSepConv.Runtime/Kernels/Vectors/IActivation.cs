using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>A nonlinearity, chosen when the kernel is compiled.</summary>
internal interface IActivation
{
    /// <summary>What the argument of <see cref="Scaled{TActivation}"/> is multiplied by.</summary>
    static virtual float InputScale => 1;

    /// <summary>What its result is to be multiplied by.</summary>
    static virtual float OutputScale => 1;

    static abstract TVector Apply<TLanes, TVector>(TVector z)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged;

    /// <summary>The gradient before the nonlinearity, and the value after it.</summary>
    static abstract TVector Backward<TLanes, TVector>(TVector z, TVector gradient, out TVector value)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged;
}

/// <summary>A nonlinearity in the fewest operations: it is OutputScale · Apply(InputScale · z).</summary>
/// <remarks>The factors are for the weights around it.</remarks>
internal static class Scaled<TActivation>
    where TActivation : struct, IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector z)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged => typeof(TActivation) == typeof(HSwishActivation)
            ? HSwishActivation.ApplyScaled<TLanes, TVector>(z) : TActivation.Apply<TLanes, TVector>(z);
}

/// <summary>max(z, 0).</summary>
internal readonly struct ReluActivation : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector z)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged => TLanes.Max(TLanes.Splat(0), z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TLanes, TVector>(TVector z, TVector gradient, out TVector value)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged
    {
        value = TLanes.Max(TLanes.Splat(0), z);
        return TLanes.WherePositive(z, gradient);
    }
}

/// <summary>z · relu6(z + 3) / 6, written z · clamp(z/6 + ½, 0, 1).</summary>
internal readonly struct HSwishActivation : IActivation
{
    public static float InputScale => 1f / 6;

    public static float OutputScale => 6;

    // 6u · clamp(u + ½, 0, 1) / 6: an addition where Apply has a multiply-add.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector ApplyScaled<TLanes, TVector>(TVector z)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged => TLanes.Multiply(z, TLanes.Between0And1(TLanes.Add(z, TLanes.Splat(0.5f))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector z)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged => TLanes.Multiply(z, Gate<TLanes, TVector>(z));

    // The slope is gate + z/6 strictly between the kinks, gate (0 or 1) outside and on them, as relu6's is in torch.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TLanes, TVector>(TVector z, TVector gradient, out TVector value)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged
    {
        var gate = Gate<TLanes, TVector>(z);
        value = TLanes.Multiply(z, gate);
        var ramp = TLanes.WhereWithin(TLanes.Splat(3), z, TLanes.Multiply(z, TLanes.Splat(1f / 6)));
        return TLanes.Multiply(gradient, TLanes.Add(gate, ramp));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Gate<TLanes, TVector>(TVector z)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged => TLanes.Between0And1(TLanes.MultiplyAdd(z, TLanes.Splat(1f / 6), TLanes.Splat(0.5f)));
}

/// <summary>None.</summary>
internal readonly struct IdentityActivation : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector z)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged => z;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TLanes, TVector>(TVector z, TVector gradient, out TVector value)
        where TLanes : ILanes<TVector>
        where TVector : unmanaged
    {
        value = z;
        return gradient;
    }
}
