using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Products of rows with rows of weights as they lie in a state dict, [output][input].</summary>
/// <remarks>
/// Every product is one vector of sums over the inputs, its lanes added up, then what fills no vector: the same bits in any tile.
/// </remarks>
internal static unsafe class DotRows<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>Rows that share what is loaded of the weights.</summary>
    public const int Rows = 4;

    // Sums that one row has at once: as many as multiply-adds are on their way.
    private const int OutputsOfOne = 8;

    private const int OutputsOfFour = 4;

    /// <summary>Fills [rows][outputs], <paramref name="toRow"/> floats apart.</summary>
    public static void Run(
        float* weights, int inputs, int outputs, float* input, nint inputRow, int rows, float* to, nint toRow)
    {
        var output = 0;
        if (rows == Rows)
        {
            for (; output + OutputsOfFour <= outputs; output += OutputsOfFour)
            {
                Four(weights + ((nint)output * inputs), inputs, input, inputRow, to + output, toRow);
            }
        }

        for (var row = 0; row < rows; row++)
        {
            var from = input + (row * inputRow);
            var at = to + (row * toRow);
            var next = output;
            for (; next + OutputsOfOne <= outputs; next += OutputsOfOne) One(weights + ((nint)next * inputs), inputs, from, at + next);
            for (; next < outputs; next++) at[next] = Single(weights + ((nint)next * inputs), inputs, from);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Single(float* weights, int inputs, float* input)
    {
        var sum = TLanes.Splat(0);
        var i = 0;
        for (; i + TLanes.Count <= inputs; i += TLanes.Count)
        {
            sum = TLanes.MultiplyAdd(TLanes.Load(weights + i), TLanes.Load(input + i), sum);
        }

        return Rest(weights, inputs, input, i, TLanes.Sum(sum));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(float* weights, int inputs, float* input, float* to)
    {
        var (sum0, sum1, sum2, sum3) = (TLanes.Splat(0), TLanes.Splat(0), TLanes.Splat(0), TLanes.Splat(0));
        var (sum4, sum5, sum6, sum7) = (sum0, sum0, sum0, sum0);
        nint row = inputs;
        var i = 0;
        for (; i + TLanes.Count <= inputs; i += TLanes.Count)
        {
            var x = TLanes.Load(input + i);
            var w = weights + i;
            sum0 = TLanes.MultiplyAdd(TLanes.Load(w), x, sum0);
            sum1 = TLanes.MultiplyAdd(TLanes.Load(w + row), x, sum1);
            sum2 = TLanes.MultiplyAdd(TLanes.Load(w + (2 * row)), x, sum2);
            sum3 = TLanes.MultiplyAdd(TLanes.Load(w + (3 * row)), x, sum3);
            w += 4 * row;
            sum4 = TLanes.MultiplyAdd(TLanes.Load(w), x, sum4);
            sum5 = TLanes.MultiplyAdd(TLanes.Load(w + row), x, sum5);
            sum6 = TLanes.MultiplyAdd(TLanes.Load(w + (2 * row)), x, sum6);
            sum7 = TLanes.MultiplyAdd(TLanes.Load(w + (3 * row)), x, sum7);
        }

        Store(weights, inputs, input, i, to, sum0, sum1, sum2, sum3);
        Store(weights + (4 * row), inputs, input, i, to + 4, sum4, sum5, sum6, sum7);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(float* weights, int inputs, float* input, nint inputRow, float* to, nint toRow)
    {
        var zero = TLanes.Splat(0);
        var (a0, a1, a2, a3) = (zero, zero, zero, zero);
        var (b0, b1, b2, b3) = (zero, zero, zero, zero);
        var (c0, c1, c2, c3) = (zero, zero, zero, zero);
        var (d0, d1, d2, d3) = (zero, zero, zero, zero);
        nint row = inputs;
        var i = 0;
        for (; i + TLanes.Count <= inputs; i += TLanes.Count)
        {
            var w = weights + i;
            var x = input + i;
            var (w0, w1) = (TLanes.Load(w), TLanes.Load(w + row));
            var (w2, w3) = (TLanes.Load(w + (2 * row)), TLanes.Load(w + (3 * row)));
            var v = TLanes.Load(x);
            (a0, a1) = (TLanes.MultiplyAdd(w0, v, a0), TLanes.MultiplyAdd(w1, v, a1));
            (a2, a3) = (TLanes.MultiplyAdd(w2, v, a2), TLanes.MultiplyAdd(w3, v, a3));
            v = TLanes.Load(x + inputRow);
            (b0, b1) = (TLanes.MultiplyAdd(w0, v, b0), TLanes.MultiplyAdd(w1, v, b1));
            (b2, b3) = (TLanes.MultiplyAdd(w2, v, b2), TLanes.MultiplyAdd(w3, v, b3));
            v = TLanes.Load(x + (2 * inputRow));
            (c0, c1) = (TLanes.MultiplyAdd(w0, v, c0), TLanes.MultiplyAdd(w1, v, c1));
            (c2, c3) = (TLanes.MultiplyAdd(w2, v, c2), TLanes.MultiplyAdd(w3, v, c3));
            v = TLanes.Load(x + (3 * inputRow));
            (d0, d1) = (TLanes.MultiplyAdd(w0, v, d0), TLanes.MultiplyAdd(w1, v, d1));
            (d2, d3) = (TLanes.MultiplyAdd(w2, v, d2), TLanes.MultiplyAdd(w3, v, d3));
        }

        Store(weights, inputs, input, i, to, a0, a1, a2, a3);
        Store(weights, inputs, input + inputRow, i, to + toRow, b0, b1, b2, b3);
        Store(weights, inputs, input + (2 * inputRow), i, to + (2 * toRow), c0, c1, c2, c3);
        Store(weights, inputs, input + (3 * inputRow), i, to + (3 * toRow), d0, d1, d2, d3);
    }

    private static void Store(
        float* weights, int inputs, float* input, int done, float* to, TVector sum0, TVector sum1, TVector sum2, TVector sum3)
    {
        nint row = inputs;
        to[0] = Rest(weights, inputs, input, done, TLanes.Sum(sum0));
        to[1] = Rest(weights + row, inputs, input, done, TLanes.Sum(sum1));
        to[2] = Rest(weights + (2 * row), inputs, input, done, TLanes.Sum(sum2));
        to[3] = Rest(weights + (3 * row), inputs, input, done, TLanes.Sum(sum3));
    }

    private static float Rest(float* weights, int inputs, float* input, int from, float sum)
    {
        for (var i = from; i < inputs; i++) sum = float.FusedMultiplyAdd(weights[i], input[i], sum);
        return sum;
    }
}
