using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>What is made of pending maps, pixels of one block and one image at a time.</summary>
internal static unsafe class PendingSweeps<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    // Pixels added one after the other, in two sums.
    private const int Few = 2 * VectorSums<TLanes, TVector>.InPassing;

    /// <summary>The values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Activate<TActivation>(float* raw, int count, float* scale, float* shift, float* values)
        where TActivation : struct, IActivation
    {
        var lanes = TLanes.Count;
        var a = TLanes.Load(scale);
        var b = TLanes.Load(shift);
        for (; count >= 4; count -= 4)
        {
            var z0 = TLanes.MultiplyAdd(TLanes.Load(raw), a, b);
            var z1 = TLanes.MultiplyAdd(TLanes.Load(raw + lanes), a, b);
            var z2 = TLanes.MultiplyAdd(TLanes.Load(raw + (2 * lanes)), a, b);
            var z3 = TLanes.MultiplyAdd(TLanes.Load(raw + (3 * lanes)), a, b);
            TLanes.Store(values, TActivation.Apply<TLanes, TVector>(z0));
            TLanes.Store(values + lanes, TActivation.Apply<TLanes, TVector>(z1));
            TLanes.Store(values + (2 * lanes), TActivation.Apply<TLanes, TVector>(z2));
            TLanes.Store(values + (3 * lanes), TActivation.Apply<TLanes, TVector>(z3));
            raw += 4 * lanes;
            values += 4 * lanes;
        }

        for (; count > 0; count--)
        {
            TLanes.Store(values, TActivation.Apply<TLanes, TVector>(TLanes.MultiplyAdd(TLanes.Load(raw), a, b)));
            raw += lanes;
            values += lanes;
        }
    }

    /// <summary>
    /// From the values' gradient to that before the activation, with its sums; and the values again. Pixels of one segment.
    /// </summary>
    /// <param name="valueGradient">May be the result's memory, or the values'.</param>
    /// <param name="sums">Written: the sum of the result, and of result · (raw − mean).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward<TActivation>(
        float* raw, float* valueGradient, int count, float* scale, float* shift, float* mean, float* result, float* values, float* sums)
        where TActivation : struct, IActivation
    {
        var lanes = TLanes.Count;
        var a = TLanes.Load(scale);
        var b = TLanes.Load(shift);
        var m = TLanes.Load(mean);
        TVector s0 = TLanes.Splat(0), s1 = s0, p0 = s0, p1 = s0;
        for (; count >= 2; count -= 2)
        {
            var x0 = TLanes.Load(raw);
            var x1 = TLanes.Load(raw + lanes);
            var d0 = TLanes.Load(valueGradient);
            var d1 = TLanes.Load(valueGradient + lanes);
            d0 = TActivation.Backward<TLanes, TVector>(TLanes.MultiplyAdd(x0, a, b), d0, out var v0);
            d1 = TActivation.Backward<TLanes, TVector>(TLanes.MultiplyAdd(x1, a, b), d1, out var v1);
            TLanes.Store(values, v0);
            TLanes.Store(values + lanes, v1);
            TLanes.Store(result, d0);
            TLanes.Store(result + lanes, d1);
            s0 = TLanes.Add(s0, d0);
            s1 = TLanes.Add(s1, d1);
            p0 = TLanes.MultiplyAdd(d0, TLanes.Subtract(x0, m), p0);
            p1 = TLanes.MultiplyAdd(d1, TLanes.Subtract(x1, m), p1);
            raw += 2 * lanes;
            valueGradient += 2 * lanes;
            result += 2 * lanes;
            values += 2 * lanes;
        }

        if (count > 0)
        {
            var x = TLanes.Load(raw);
            var d = TLanes.Load(valueGradient);
            d = TActivation.Backward<TLanes, TVector>(TLanes.MultiplyAdd(x, a, b), d, out var v);
            TLanes.Store(values, v);
            TLanes.Store(result, d);
            s0 = TLanes.Add(s0, d);
            p0 = TLanes.MultiplyAdd(d, TLanes.Subtract(x, m), p0);
        }

        TLanes.Store(sums, TLanes.Add(s0, s1));
        TLanes.Store(sums + lanes, TLanes.Add(p0, p1));
    }

    /// <summary>The same in place, of a whole plane, without the values; where there is no activation, the sums alone.</summary>
    public static void ActivationBackward<TActivation>(
        float* raw, float* gradient, int count, float* scale, float* shift, float* mean, float* sums)
        where TActivation : struct, IActivation
    {
        new Span<float>(sums, 2 * TLanes.Count).Clear();
        for (var first = 0; first < count; first += Few)
        {
            var place = (nint)first * TLanes.Count;
            AddActivationBackward<TActivation>(raw + place, gradient + place, Math.Min(Few, count - first), scale, shift, mean, sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddActivationBackward<TActivation>(
        float* raw, float* gradient, int count, float* scale, float* shift, float* mean, float* sums)
        where TActivation : struct, IActivation
    {
        var lanes = TLanes.Count;
        var a = TLanes.Load(scale);
        var b = TLanes.Load(shift);
        var m = TLanes.Load(mean);
        TVector s0 = TLanes.Splat(0), s1 = s0, p0 = s0, p1 = s0;
        for (; count >= 2; count -= 2)
        {
            var x0 = TLanes.Load(raw);
            var x1 = TLanes.Load(raw + lanes);
            var d0 = TLanes.Load(gradient);
            var d1 = TLanes.Load(gradient + lanes);
            if (typeof(TActivation) != typeof(IdentityActivation))
            {
                d0 = TActivation.Backward<TLanes, TVector>(TLanes.MultiplyAdd(x0, a, b), d0, out _);
                d1 = TActivation.Backward<TLanes, TVector>(TLanes.MultiplyAdd(x1, a, b), d1, out _);
                TLanes.Store(gradient, d0);
                TLanes.Store(gradient + lanes, d1);
            }

            s0 = TLanes.Add(s0, d0);
            s1 = TLanes.Add(s1, d1);
            p0 = TLanes.MultiplyAdd(d0, TLanes.Subtract(x0, m), p0);
            p1 = TLanes.MultiplyAdd(d1, TLanes.Subtract(x1, m), p1);
            raw += 2 * lanes;
            gradient += 2 * lanes;
        }

        if (count > 0)
        {
            var x = TLanes.Load(raw);
            var d = TActivation.Backward<TLanes, TVector>(TLanes.MultiplyAdd(x, a, b), TLanes.Load(gradient), out _);
            TLanes.Store(gradient, d);
            s0 = TLanes.Add(s0, d);
            p0 = TLanes.MultiplyAdd(d, TLanes.Subtract(x, m), p0);
        }

        VectorSums<TLanes, TVector>.Add(sums, TLanes.Add(s0, s1));
        VectorSums<TLanes, TVector>.Add(sums + lanes, TLanes.Add(p0, p1));
    }

    /// <summary>The same of a group of planes.</summary>
    public static void ActivationBackward<TActivation>(float* raw, float* gradient, int count, in NormLanes norm, float* sums)
        where TActivation : struct, IActivation =>
        ActivationBackward<TActivation>(raw, gradient, count, norm.Scale, norm.Shift, norm.Mean, sums);

    /// <summary>The raw map's gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RawGradient(float* raw, float* gradient, int count, float* direct, float* slope, float* offset, float* result)
    {
        var lanes = TLanes.Count;
        var a = TLanes.Load(direct);
        var b = TLanes.Load(slope);
        var c = TLanes.Load(offset);
        for (; count >= 2; count -= 2)
        {
            var d0 = TLanes.MultiplyAdd(TLanes.Load(raw), b, c);
            var d1 = TLanes.MultiplyAdd(TLanes.Load(raw + lanes), b, c);
            TLanes.Store(result, TLanes.MultiplyAdd(TLanes.Load(gradient), a, d0));
            TLanes.Store(result + lanes, TLanes.MultiplyAdd(TLanes.Load(gradient + lanes), a, d1));
            raw += 2 * lanes;
            gradient += 2 * lanes;
            result += 2 * lanes;
        }

        if (count > 0)
        {
            TLanes.Store(result, TLanes.MultiplyAdd(TLanes.Load(gradient), a, TLanes.MultiplyAdd(TLanes.Load(raw), b, c)));
        }
    }

    /// <summary>Where gates follow the activation: the gated values, and the sum of valueGradient · activated for the gate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GateBackward<TActivation>(
        float* raw, float* valueGradient, int count, float* scale, float* shift, float* gate, float* result, float* values, float* sums)
        where TActivation : struct, IActivation
    {
        var lanes = TLanes.Count;
        var a = TLanes.Load(scale);
        var b = TLanes.Load(shift);
        var factor = TLanes.Load(gate);
        var sum = TLanes.Splat(0);
        for (; count > 0; count--)
        {
            var d = TLanes.Load(valueGradient);
            var v = TActivation.Apply<TLanes, TVector>(TLanes.MultiplyAdd(TLanes.Load(raw), a, b));
            sum = TLanes.MultiplyAdd(d, v, sum);
            TLanes.Store(result, d);
            TLanes.Store(values, TLanes.Multiply(v, factor));
            raw += lanes;
            valueGradient += lanes;
            result += lanes;
            values += lanes;
        }

        TLanes.Store(sums, sum);
        TLanes.Store(sums + lanes, TLanes.Splat(0));
    }

    /// <summary>gradient ← gradient · factor + addend.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* gradient, int count, TVector factor, TVector addend)
    {
        var end = gradient + ((nint)count * TLanes.Count);
        for (; gradient < end; gradient += TLanes.Count)
        {
            TLanes.Store(gradient, TLanes.MultiplyAdd(TLanes.Load(gradient), factor, addend));
        }
    }

    /// <summary>sum ← sum + addend.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* addend, int count, float* sum)
    {
        var end = sum + ((nint)count * TLanes.Count);
        for (; sum < end; sum += TLanes.Count)
        {
            TLanes.Store(sum, TLanes.Add(TLanes.Load(sum), TLanes.Load(addend)));
            addend += TLanes.Count;
        }
    }
}
