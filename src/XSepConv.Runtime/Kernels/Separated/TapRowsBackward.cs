using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Along which axis the taps lie.</summary>
internal interface ITapAxis
{
    static abstract bool IsVertical { get; }
}

internal readonly struct HorizontalTaps : ITapAxis
{
    public static bool IsVertical => false;
}

internal readonly struct VerticalTaps : ITapAxis
{
    public static bool IsVertical => true;
}

/// <summary>Backward of act → one-dimensional depthwise convolution, from the convolution's result to the batch normalisation before it.</summary>
/// <remarks>
/// Walks the positions of the convolution's <i>input</i>: every gradient loaded there serves the input's gradient and the weights' at once,
/// and the input itself is recomputed in registers from what the batch normalisation was given.
/// </remarks>
internal static unsafe class TapRowsBackward<TLanes, TVector, TKernel, TActivation, TAxis>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TKernel : struct, IKernelSize
    where TActivation : struct, IActivation
    where TAxis : struct, ITapAxis
{
    /// <param name="rows">
    /// The gradient's rows in padded order, spread by the stride, zeros between, before and after. Vertical: the K rows from entry r on
    /// belong to row r. Horizontal: entry r has K/2 zeros at either end.
    /// </param>
    /// <param name="before">What the batch normalisation was given, height × width vectors.</param>
    /// <param name="norm">The batch normalisation's coefficients.</param>
    /// <param name="destination">The gradient after the batch normalisation, height × width vectors; may not be <paramref name="rows"/>' memory.</param>
    /// <param name="weightGradients">Written, K vectors.</param>
    /// <param name="sums">Written: the sum of the destination, and of destination · (before − mean).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        float** rows, float* before, in NormLanes norm, int height, int width, int kernel, float* weights,
        float* destination, float* weightGradients, float* sums)
    {
        if (TKernel.Size == 0)
        {
            RunAny(rows, before, norm, height, width, kernel, weights, destination, weightGradients, sums);
            return;
        }

        var lanes = TLanes.Count;
        var last = TKernel.Size - 1;
        var w0 = TLanes.Load(weights);
        var w1 = TLanes.Load(weights + lanes);
        var w2 = TLanes.Load(weights + (2 * lanes));
        var w3 = TKernel.Size > 3 ? TLanes.Load(weights + (3 * lanes)) : default;
        var w4 = TKernel.Size > 3 ? TLanes.Load(weights + (4 * lanes)) : default;
        var w5 = TKernel.Size > 5 ? TLanes.Load(weights + (5 * lanes)) : default;
        var w6 = TKernel.Size > 5 ? TLanes.Load(weights + (6 * lanes)) : default;
        var w7 = TKernel.Size > 7 ? TLanes.Load(weights + (7 * lanes)) : default;
        var w8 = TKernel.Size > 7 ? TLanes.Load(weights + (8 * lanes)) : default;
        TVector s0 = TLanes.Splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, s8 = s0;
        var scale = TLanes.Load(norm.Scale);
        var shift = TLanes.Load(norm.Shift);
        var mean = TLanes.Load(norm.Mean);
        var total = TLanes.Splat(0);
        var product = TLanes.Splat(0);
        var end = (nint)width * lanes;
        for (var row = 0; row < height; row++)
        {
            float* r0, r1, r2, r3 = null, r4 = null, r5 = null, r6 = null, r7 = null, r8 = null;
            if (TAxis.IsVertical)
            {
                // Tap k of the convolution at row q read row q + k − K/2: backward, row r is read by row r + K/2 − k.
                r0 = rows[row + last];
                r1 = rows[row + last - 1];
                r2 = rows[row + last - 2];
                if (TKernel.Size > 3)
                {
                    r3 = rows[row + last - 3];
                    r4 = rows[row + last - 4];
                }

                if (TKernel.Size > 5)
                {
                    r5 = rows[row + last - 5];
                    r6 = rows[row + last - 6];
                }

                if (TKernel.Size > 7)
                {
                    r7 = rows[row + last - 7];
                    r8 = rows[row + last - 8];
                }
            }
            else
            {
                r0 = rows[row] + (last * lanes);
                r1 = r0 - lanes;
                r2 = r0 - (2 * lanes);
                r3 = r0 - (3 * lanes);
                r4 = r0 - (4 * lanes);
                r5 = r0 - (5 * lanes);
                r6 = r0 - (6 * lanes);
                r7 = r0 - (7 * lanes);
                r8 = r0 - (8 * lanes);
            }

            for (nint i = 0; i < end; i += lanes)
            {
                var x = TLanes.Load(before + i);
                var g0 = TLanes.Load(r0 + i);
                var g1 = TLanes.Load(r1 + i);
                var g2 = TLanes.Load(r2 + i);
                TVector g3 = default, g4 = default, g5 = default, g6 = default, g7 = default, g8 = default;
                var d = TLanes.MultiplyAdd(w2, g2, TLanes.MultiplyAdd(w1, g1, TLanes.Multiply(w0, g0)));
                if (TKernel.Size > 3)
                {
                    g3 = TLanes.Load(r3 + i);
                    g4 = TLanes.Load(r4 + i);
                    d = TLanes.MultiplyAdd(w4, g4, TLanes.MultiplyAdd(w3, g3, d));
                }

                if (TKernel.Size > 5)
                {
                    g5 = TLanes.Load(r5 + i);
                    g6 = TLanes.Load(r6 + i);
                    d = TLanes.MultiplyAdd(w6, g6, TLanes.MultiplyAdd(w5, g5, d));
                }

                if (TKernel.Size > 7)
                {
                    g7 = TLanes.Load(r7 + i);
                    g8 = TLanes.Load(r8 + i);
                    d = TLanes.MultiplyAdd(w8, g8, TLanes.MultiplyAdd(w7, g7, d));
                }

                d = TActivation.Backward<TLanes, TVector>(TLanes.MultiplyAdd(x, scale, shift), d, out var u);
                TLanes.Store(destination + i, d);
                total = TLanes.Add(total, d);
                product = TLanes.MultiplyAdd(d, TLanes.Subtract(x, mean), product);
                s0 = TLanes.MultiplyAdd(g0, u, s0);
                s1 = TLanes.MultiplyAdd(g1, u, s1);
                s2 = TLanes.MultiplyAdd(g2, u, s2);
                if (TKernel.Size > 3)
                {
                    s3 = TLanes.MultiplyAdd(g3, u, s3);
                    s4 = TLanes.MultiplyAdd(g4, u, s4);
                }

                if (TKernel.Size > 5)
                {
                    s5 = TLanes.MultiplyAdd(g5, u, s5);
                    s6 = TLanes.MultiplyAdd(g6, u, s6);
                }

                if (TKernel.Size > 7)
                {
                    s7 = TLanes.MultiplyAdd(g7, u, s7);
                    s8 = TLanes.MultiplyAdd(g8, u, s8);
                }
            }

            before += end;
            destination += end;
        }

        TLanes.Store(sums, total);
        TLanes.Store(sums + lanes, product);
        TLanes.Store(weightGradients, s0);
        TLanes.Store(weightGradients + lanes, s1);
        TLanes.Store(weightGradients + (2 * lanes), s2);
        if (TKernel.Size > 3)
        {
            TLanes.Store(weightGradients + (3 * lanes), s3);
            TLanes.Store(weightGradients + (4 * lanes), s4);
        }

        if (TKernel.Size > 5)
        {
            TLanes.Store(weightGradients + (5 * lanes), s5);
            TLanes.Store(weightGradients + (6 * lanes), s6);
        }

        if (TKernel.Size > 7)
        {
            TLanes.Store(weightGradients + (7 * lanes), s7);
            TLanes.Store(weightGradients + (8 * lanes), s8);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunAny(
        float** rows, float* before, in NormLanes norm, int height, int width, int kernel, float* weights,
        float* destination, float* weightGradients, float* sums)
    {
        var lanes = TLanes.Count;
        var last = kernel - 1;
        var scale = TLanes.Load(norm.Scale);
        var shift = TLanes.Load(norm.Shift);
        var mean = TLanes.Load(norm.Mean);
        var total = TLanes.Splat(0);
        var product = TLanes.Splat(0);
        var end = (nint)width * lanes;
        for (var k = 0; k < kernel; k++) TLanes.Store(weightGradients + (k * lanes), TLanes.Splat(0));
        for (var row = 0; row < height; row++)
        {
            for (nint i = 0; i < end; i += lanes)
            {
                var d = TLanes.Splat(0);
                for (var k = 0; k < kernel; k++)
                {
                    d = TLanes.MultiplyAdd(TLanes.Load(weights + (k * lanes)), TLanes.Load(Tap(rows, row, last - k) + i), d);
                }

                var x = TLanes.Load(before + i);
                d = TActivation.Backward<TLanes, TVector>(TLanes.MultiplyAdd(x, scale, shift), d, out var u);
                TLanes.Store(destination + i, d);
                total = TLanes.Add(total, d);
                product = TLanes.MultiplyAdd(d, TLanes.Subtract(x, mean), product);
                for (var k = 0; k < kernel; k++)
                {
                    var s = weightGradients + (k * lanes);
                    TLanes.Store(s, TLanes.MultiplyAdd(TLanes.Load(Tap(rows, row, last - k) + i), u, TLanes.Load(s)));
                }
            }

            before += end;
            destination += end;
        }

        TLanes.Store(sums, total);
        TLanes.Store(sums + lanes, product);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Tap(float** rows, int row, int tap) =>
        TAxis.IsVertical ? rows[row + tap] : rows[row] + ((nint)tap * TLanes.Count);
}
