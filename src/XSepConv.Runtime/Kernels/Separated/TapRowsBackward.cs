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

/// <summary>
/// Backward of act → one-dimensional depthwise convolution, from the convolution's result to the batch normalisation before it.
/// </summary>
/// <remarks>
/// Walks the positions of the convolution's <i>input</i>: every gradient loaded there serves the input's gradient and the weights' at once,
/// and the input itself is recomputed in registers from what the batch normalisation was given.
/// </remarks>
internal static unsafe class TapRowsBackward<TLanes, TVector, TActivation, TAxis>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
    where TAxis : struct, ITapAxis
{
    /// <param name="rows">
    /// The gradient's rows in padded order, spread by the stride, zeros between, before and after. Vertical: the K rows from entry r on
    /// belong to row r. Horizontal: entry r has K/2 zeros at either end.
    /// </param>
    /// <param name="before">What the batch normalisation was given, height × width vectors.</param>
    /// <param name="norm">The batch normalisation's coefficients.</param>
    /// <param name="destination">
    /// The gradient after the batch normalisation, height × width vectors; may not be <paramref name="rows"/>' memory.
    /// </param>
    /// <param name="weightGradients">Written, K vectors.</param>
    /// <param name="sums">Written: the sum of the destination, and of destination · (before − mean).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
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
