using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>The 2×2 depthwise convolution of one group of planes.</summary>
internal static unsafe class TwoByTwo<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <param name="rows">
    /// The input's rows in padded order, <paramref name="height"/> + 1 of them; a row of zeros where it is padded.
    /// </param>
    /// <param name="edge">Which column is padded: −1 left, 1 right, 0 none (the rows have one more column).</param>
    /// <param name="destinationRow">From one row of the result to the next, in floats.</param>
    /// <param name="side">Measured: each lane's sum of the result is written there. Otherwise the shift is read there.</param>
    /// <param name="prefetch">What will be needed soon.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward<TFinish>(
        float** rows, int height, int width, int edge, float* weights, float* destination, nint destinationRow, float* side,
        Prefetch prefetch = default)
        where TFinish : struct, ITapFinish
    {
        var lanes = TLanes.Count;
        var w00 = TLanes.Load(weights);
        var w01 = TLanes.Load(weights + lanes);
        var w10 = TLanes.Load(weights + (2 * lanes));
        var w11 = TLanes.Load(weights + (3 * lanes));
        var total = TLanes.Splat(0);
        var shift = TFinish.IsMeasured ? default : TLanes.Load(side);
        var whole = edge > 0 ? width - 1 : width;
        nint vector = 0;
        for (var row = 0; row < height; row++)
        {
            var upper = rows[row];
            var lower = rows[row + 1];
            var target = destination + (row * destinationRow);
            TVector a, c;
            if (edge < 0)
            {
                a = c = TLanes.Splat(0);
                upper -= lanes;
                lower -= lanes;
            }
            else
            {
                a = TLanes.Load(upper);
                c = TLanes.Load(lower);
            }

            for (var column = 0; column < whole; column++)
            {
                upper += lanes;
                lower += lanes;
                if (prefetch.IsOn) prefetch.Line(vector++);
                var b = TLanes.Load(upper);
                var d = TLanes.Load(lower);
                var y = TLanes.MultiplyAdd(w10, c, TFinish.IsMeasured ? TLanes.Multiply(w00, a) : TLanes.MultiplyAdd(w00, a, shift));
                y = TLanes.MultiplyAdd(w11, d, TLanes.MultiplyAdd(w01, b, y));
                y = TFinish.Apply<TLanes, TVector>(y);
                TLanes.Store(target, y);
                if (TFinish.IsMeasured) total = TLanes.Add(total, y);
                target += lanes;
                a = b;
                c = d;
            }

            if (edge > 0)
            {
                if (prefetch.IsOn) prefetch.Line(vector++);
                var y = TLanes.MultiplyAdd(w10, c, TFinish.IsMeasured ? TLanes.Multiply(w00, a) : TLanes.MultiplyAdd(w00, a, shift));
                y = TFinish.Apply<TLanes, TVector>(y);
                TLanes.Store(target, y);
                if (TFinish.IsMeasured) total = TLanes.Add(total, y);
                target += lanes;
            }
        }

        if (TFinish.IsMeasured) TLanes.Store(side, total);
    }

    /// <param name="gradient">The result's gradient at the input's first element; one row and one column before it are readable.</param>
    /// <param name="gradientRow">From one row of it to the next, in floats.</param>
    /// <param name="input">The stage's input, height × width (of the input) vectors.</param>
    /// <param name="inputGradient">Written, in the layout of the input.</param>
    /// <param name="weightGradients">Written, four vectors.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(
        float* gradient, nint gradientRow, float* input, int height, int width, float* weights, float* inputGradient,
        float* weightGradients)
    {
        var lanes = TLanes.Count;
        var w00 = TLanes.Load(weights);
        var w01 = TLanes.Load(weights + lanes);
        var w10 = TLanes.Load(weights + (2 * lanes));
        var w11 = TLanes.Load(weights + (3 * lanes));
        var few = VectorSums<TLanes, TVector>.Lines(width);
        new Span<float>(weightGradients, 4 * lanes).Clear();
        for (var row = 0; row < height;)
        {
            TVector s00 = TLanes.Splat(0), s01 = s00, s10 = s00, s11 = s00;
            for (var end = Math.Min(height, row + few); row < end; row++)
            {
                var lower = gradient + (row * gradientRow);
                var upper = lower - gradientRow;
                var g01 = TLanes.Load(lower - lanes);
                var g11 = TLanes.Load(upper - lanes);
                for (var column = 0; column < width; column++)
                {
                    var x = TLanes.Load(input);
                    var g00 = TLanes.Load(lower);
                    var g10 = TLanes.Load(upper);
                    var d = TLanes.MultiplyAdd(w01, g01, TLanes.Multiply(w00, g00));
                    d = TLanes.MultiplyAdd(w11, g11, TLanes.MultiplyAdd(w10, g10, d));
                    TLanes.Store(inputGradient, d);
                    s00 = TLanes.MultiplyAdd(g00, x, s00);
                    s01 = TLanes.MultiplyAdd(g01, x, s01);
                    s10 = TLanes.MultiplyAdd(g10, x, s10);
                    s11 = TLanes.MultiplyAdd(g11, x, s11);
                    g01 = g00;
                    g11 = g10;
                    input += lanes;
                    lower += lanes;
                    upper += lanes;
                    inputGradient += lanes;
                }
            }

            VectorSums<TLanes, TVector>.Add(weightGradients, s00);
            VectorSums<TLanes, TVector>.Add(weightGradients + lanes, s01);
            VectorSums<TLanes, TVector>.Add(weightGradients + (2 * lanes), s10);
            VectorSums<TLanes, TVector>.Add(weightGradients + (3 * lanes), s11);
        }
    }
}
