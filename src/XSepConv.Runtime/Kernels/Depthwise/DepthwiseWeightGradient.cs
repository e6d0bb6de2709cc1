using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>The gradient of a K×K depthwise convolution's weights over one group of planes.</summary>
/// <remarks>
/// Neighbouring taps of a row at a time, up to three with four sums each, one for every fourth column, or five or seven with two: enough
/// independent sums that none waits for the one before it, few enough for the registers.
/// </remarks>
internal static unsafe class DepthwiseWeightGradient<TLanes, TVector, TStride>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TStride : struct, IStride
{
    // Rows of both maps that stay in the first cache while every tap visits them.
    private const int BlockBytes = 24 << 10;

    /// <param name="input">The convolution's input, with K/2 zeros before and after each row.</param>
    /// <param name="gradient">The result's gradient.</param>
    /// <param name="sums">Written, K·K vectors.</param>
    public static void Run(in VectorMap input, in VectorMap gradient, int width, int kernel, float* sums)
    {
        new Span<float>(sums, kernel * kernel * TLanes.Count).Clear();
        var rowBytes = ((TStride.Value * input.RowFloats) + gradient.RowFloats) * sizeof(float);
        var rows = (int)Math.Max(4, (BlockBytes / rowBytes) - kernel);
        for (var row = 0; row < gradient.Height; row += rows)
        {
            AddRows(input, gradient, row, Math.Min(gradient.Height, row + rows), width, kernel, sums);
        }
    }

    private static void AddRows(in VectorMap input, in VectorMap gradient, int row, int endRow, int width, int kernel, float* sums)
    {
        var lanes = TLanes.Count;
        var border = kernel / 2;
        for (var r = 0; r < kernel; r++)
        {
            // Rows of the result whose tap r lies inside.
            var first = Math.Max(row, (border - r + TStride.Value - 1) / TStride.Value);
            var last = input.Height - 1 + border - r;
            var rows = last < 0 ? 0 : Math.Min(endRow, (last / TStride.Value) + 1) - first;
            var x = input.First + (((first * TStride.Value) + r - border) * input.RowFloats) - (border * lanes);
            var g = gradient.First + (first * gradient.RowFloats);
            for (var k = 0; k < kernel;)
            {
                var taps = (kernel - k) switch { 1 => 1, 2 or 4 => 2, 5 => 5, 7 => 7, _ => 3 };
                switch (taps)
                {
                    case 1: Add<OneTap>(x, input.RowFloats, g, gradient.RowFloats, rows, width, sums); break;
                    case 2: Add<TwoTaps>(x, input.RowFloats, g, gradient.RowFloats, rows, width, sums); break;
                    case 3: Add<ThreeTaps>(x, input.RowFloats, g, gradient.RowFloats, rows, width, sums); break;
                    case 5: AddMany<FiveTaps>(x, input.RowFloats, g, gradient.RowFloats, rows, width, sums); break;
                    default: AddMany<SevenTaps>(x, input.RowFloats, g, gradient.RowFloats, rows, width, sums); break;
                }

                k += taps;
                x += taps * lanes;
                sums += taps * lanes;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add<TTaps>(float* input, nint inputRow, float* gradient, nint gradientRow, int rows, int width, float* sums)
        where TTaps : struct, ITapCount
    {
        var lanes = TLanes.Count;
        var step = TStride.Value * lanes;
        TVector a0 = TLanes.Splat(0), a1 = a0, a2 = a0, b0 = a0, b1 = a0, b2 = a0, c0 = a0, c1 = a0, c2 = a0, d0 = a0, d1 = a0, d2 = a0;
        for (var row = 0; row < rows; row++)
        {
            var g = gradient + (row * gradientRow);
            var x = input + (row * TStride.Value * inputRow);
            var column = width;
            TVector y, x0, x1 = default, x2 = default;
            for (; column >= 4; column -= 4)
            {
                y = TLanes.Load(g);
                x0 = TLanes.Load(x);
                a0 = TLanes.MultiplyAdd(y, x0, a0);
                if (TTaps.Count > 1)
                {
                    x1 = TLanes.Load(x + lanes);
                    a1 = TLanes.MultiplyAdd(y, x1, a1);
                }

                if (TTaps.Count > 2)
                {
                    x2 = TLanes.Load(x + (2 * lanes));
                    a2 = TLanes.MultiplyAdd(y, x2, a2);
                }

                y = TLanes.Load(g + lanes);
                x0 = Next<TTaps>(x + step, x1, x2, 0);
                b0 = TLanes.MultiplyAdd(y, x0, b0);
                if (TTaps.Count > 1)
                {
                    x1 = Next<TTaps>(x + step, x1, x2, 1);
                    b1 = TLanes.MultiplyAdd(y, x1, b1);
                }

                if (TTaps.Count > 2)
                {
                    x2 = TLanes.Load(x + step + (2 * lanes));
                    b2 = TLanes.MultiplyAdd(y, x2, b2);
                }

                y = TLanes.Load(g + (2 * lanes));
                x0 = Next<TTaps>(x + (2 * step), x1, x2, 0);
                c0 = TLanes.MultiplyAdd(y, x0, c0);
                if (TTaps.Count > 1)
                {
                    x1 = Next<TTaps>(x + (2 * step), x1, x2, 1);
                    c1 = TLanes.MultiplyAdd(y, x1, c1);
                }

                if (TTaps.Count > 2)
                {
                    x2 = TLanes.Load(x + (2 * step) + (2 * lanes));
                    c2 = TLanes.MultiplyAdd(y, x2, c2);
                }

                y = TLanes.Load(g + (3 * lanes));
                x0 = Next<TTaps>(x + (3 * step), x1, x2, 0);
                d0 = TLanes.MultiplyAdd(y, x0, d0);
                if (TTaps.Count > 1)
                {
                    x1 = Next<TTaps>(x + (3 * step), x1, x2, 1);
                    d1 = TLanes.MultiplyAdd(y, x1, d1);
                }

                if (TTaps.Count > 2)
                {
                    x2 = TLanes.Load(x + (3 * step) + (2 * lanes));
                    d2 = TLanes.MultiplyAdd(y, x2, d2);
                }

                g += 4 * lanes;
                x += 4 * step;
            }

            if (column > 0)
            {
                y = TLanes.Load(g);
                b0 = TLanes.MultiplyAdd(y, TLanes.Load(x), b0);
                if (TTaps.Count > 1) b1 = TLanes.MultiplyAdd(y, TLanes.Load(x + lanes), b1);
                if (TTaps.Count > 2) b2 = TLanes.MultiplyAdd(y, TLanes.Load(x + (2 * lanes)), b2);
            }

            if (column > 1)
            {
                y = TLanes.Load(g + lanes);
                c0 = TLanes.MultiplyAdd(y, TLanes.Load(x + step), c0);
                if (TTaps.Count > 1) c1 = TLanes.MultiplyAdd(y, TLanes.Load(x + step + lanes), c1);
                if (TTaps.Count > 2) c2 = TLanes.MultiplyAdd(y, TLanes.Load(x + step + (2 * lanes)), c2);
            }

            if (column > 2)
            {
                y = TLanes.Load(g + (2 * lanes));
                d0 = TLanes.MultiplyAdd(y, TLanes.Load(x + (2 * step)), d0);
                if (TTaps.Count > 1) d1 = TLanes.MultiplyAdd(y, TLanes.Load(x + (2 * step) + lanes), d1);
                if (TTaps.Count > 2) d2 = TLanes.MultiplyAdd(y, TLanes.Load(x + (2 * step) + (2 * lanes)), d2);
            }
        }

        VectorSums<TLanes, TVector>.Add(sums, TLanes.Add(TLanes.Add(a0, b0), TLanes.Add(c0, d0)));
        if (TTaps.Count > 1) VectorSums<TLanes, TVector>.Add(sums + lanes, TLanes.Add(TLanes.Add(a1, b1), TLanes.Add(c1, d1)));
        if (TTaps.Count > 2) VectorSums<TLanes, TVector>.Add(sums + (2 * lanes), TLanes.Add(TLanes.Add(a2, b2), TLanes.Add(c2, d2)));
    }

    /// <summary>Five or seven taps, two sums each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddMany<TTaps>(float* input, nint inputRow, float* gradient, nint gradientRow, int rows, int width, float* sums)
        where TTaps : struct, ITapCount
    {
        var lanes = TLanes.Count;
        var step = TStride.Value * lanes;
        TVector a0 = TLanes.Splat(0), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0;
        TVector b0 = a0, b1 = a0, b2 = a0, b3 = a0, b4 = a0, b5 = a0, b6 = a0;
        for (var row = 0; row < rows; row++)
        {
            var g = gradient + (row * gradientRow);
            var x = input + (row * TStride.Value * inputRow);
            var column = width;
            for (; column >= 2; column -= 2)
            {
                var y = TLanes.Load(g);
                var z = TLanes.Load(g + lanes);
                TVector v;
                a0 = TLanes.MultiplyAdd(y, TLanes.Load(x), a0);
                v = TLanes.Load(x + lanes);
                a1 = TLanes.MultiplyAdd(y, v, a1);
                if (TStride.Value == 1) b0 = TLanes.MultiplyAdd(z, v, b0);
                v = TLanes.Load(x + (2 * lanes));
                a2 = TLanes.MultiplyAdd(y, v, a2);
                if (TStride.Value == 1) b1 = TLanes.MultiplyAdd(z, v, b1);
                else b0 = TLanes.MultiplyAdd(z, v, b0);
                v = TLanes.Load(x + (3 * lanes));
                a3 = TLanes.MultiplyAdd(y, v, a3);
                if (TStride.Value == 1) b2 = TLanes.MultiplyAdd(z, v, b2);
                else b1 = TLanes.MultiplyAdd(z, v, b1);
                v = TLanes.Load(x + (4 * lanes));
                a4 = TLanes.MultiplyAdd(y, v, a4);
                if (TStride.Value == 1) b3 = TLanes.MultiplyAdd(z, v, b3);
                else b2 = TLanes.MultiplyAdd(z, v, b2);
                v = TLanes.Load(x + (5 * lanes));
                if (TTaps.Count > 5) a5 = TLanes.MultiplyAdd(y, v, a5);
                if (TStride.Value == 1) b4 = TLanes.MultiplyAdd(z, v, b4);
                else b3 = TLanes.MultiplyAdd(z, v, b3);
                if (TTaps.Count > 5 || TStride.Value > 1)
                {
                    v = TLanes.Load(x + (6 * lanes));
                    if (TTaps.Count > 5) a6 = TLanes.MultiplyAdd(y, v, a6);
                    if (TStride.Value == 1) b5 = TLanes.MultiplyAdd(z, v, b5);
                    else b4 = TLanes.MultiplyAdd(z, v, b4);
                }

                if (TTaps.Count > 5)
                {
                    v = TLanes.Load(x + (7 * lanes));
                    if (TStride.Value == 1) b6 = TLanes.MultiplyAdd(z, v, b6);
                    else b5 = TLanes.MultiplyAdd(z, v, b5);
                }

                if (TTaps.Count > 5 && TStride.Value > 1) b6 = TLanes.MultiplyAdd(z, TLanes.Load(x + (8 * lanes)), b6);
                g += 2 * lanes;
                x += 2 * step;
            }

            if (column > 0)
            {
                var y = TLanes.Load(g);
                a0 = TLanes.MultiplyAdd(y, TLanes.Load(x), a0);
                a1 = TLanes.MultiplyAdd(y, TLanes.Load(x + lanes), a1);
                a2 = TLanes.MultiplyAdd(y, TLanes.Load(x + (2 * lanes)), a2);
                a3 = TLanes.MultiplyAdd(y, TLanes.Load(x + (3 * lanes)), a3);
                a4 = TLanes.MultiplyAdd(y, TLanes.Load(x + (4 * lanes)), a4);
                if (TTaps.Count > 5)
                {
                    a5 = TLanes.MultiplyAdd(y, TLanes.Load(x + (5 * lanes)), a5);
                    a6 = TLanes.MultiplyAdd(y, TLanes.Load(x + (6 * lanes)), a6);
                }
            }
        }

        VectorSums<TLanes, TVector>.Add(sums, TLanes.Add(a0, b0));
        VectorSums<TLanes, TVector>.Add(sums + lanes, TLanes.Add(a1, b1));
        VectorSums<TLanes, TVector>.Add(sums + (2 * lanes), TLanes.Add(a2, b2));
        VectorSums<TLanes, TVector>.Add(sums + (3 * lanes), TLanes.Add(a3, b3));
        VectorSums<TLanes, TVector>.Add(sums + (4 * lanes), TLanes.Add(a4, b4));
        if (TTaps.Count > 5)
        {
            VectorSums<TLanes, TVector>.Add(sums + (5 * lanes), TLanes.Add(a5, b5));
            VectorSums<TLanes, TVector>.Add(sums + (6 * lanes), TLanes.Add(a6, b6));
        }
    }

    /// <summary>What tap <paramref name="tap"/> reads one column on: a vector that another tap has read already, or a new one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Next<TTaps>(float* at, TVector x1, TVector x2, int tap)
        where TTaps : struct, ITapCount
    {
        if (tap + TStride.Value == 1 && TTaps.Count > 1) return x1;
        return tap + TStride.Value == 2 && TTaps.Count > 2 ? x2 : TLanes.Load(at + (tap * TLanes.Count));
    }
}
