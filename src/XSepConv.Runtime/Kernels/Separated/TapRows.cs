using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>One-dimensional depthwise convolutions of one group of planes. Borders are vectors of zeros, so that no loop has a branch.</summary>
internal static unsafe class TapRows<TLanes, TVector, TKernel>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TKernel : struct, IKernelSize
{
    /// <summary>1×K.</summary>
    /// <param name="source">Rows with K/2 zeros at either end.</param>
    /// <param name="sourceRow">From one row to the next, in floats.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="side">Measured: each lane's sum of the result is written there. Otherwise the shift is read there.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Horizontal<TFinish>(
        float* source, nint sourceRow, int height, int width, int kernel, int stride, float* weights, float* destination, float* side, Ahead ahead = default)
        where TFinish : struct, ITapFinish
    {
        var lanes = TLanes.Count;
        var total = TLanes.Splat(0);
        nint vector = 0;
        var shift = TFinish.IsMeasured ? default : TLanes.Load(side);
        if (TKernel.Size == 0)
        {
            for (var row = 0; row < height; row++)
            {
                for (var column = 0; column < width; column++)
                {
                    if (ahead.IsOn) ahead.Ask(vector++);
                    var tap = source + (row * sourceRow) + ((nint)column * stride * lanes);
                    var y = TFinish.IsMeasured ? TLanes.Multiply(TLanes.Load(weights), TLanes.Load(tap)) : TLanes.MultiplyAdd(TLanes.Load(weights), TLanes.Load(tap), shift);
                    for (var k = 1; k < kernel; k++) y = TLanes.MultiplyAdd(TLanes.Load(weights + (k * lanes)), TLanes.Load(tap + (k * lanes)), y);
                    y = TFinish.Apply<TLanes, TVector>(y);
                    TLanes.Store(destination, y);
                    if (TFinish.IsMeasured) total = TLanes.Add(total, y);
                    destination += lanes;
                }
            }

            if (TFinish.IsMeasured) TLanes.Store(side, total);
            return;
        }

        var w0 = TLanes.Load(weights);
        var w1 = TLanes.Load(weights + lanes);
        var w2 = TLanes.Load(weights + (2 * lanes));
        var w3 = TKernel.Size > 3 ? TLanes.Load(weights + (3 * lanes)) : default;
        var w4 = TKernel.Size > 3 ? TLanes.Load(weights + (4 * lanes)) : default;
        var w5 = TKernel.Size > 5 ? TLanes.Load(weights + (5 * lanes)) : default;
        var w6 = TKernel.Size > 5 ? TLanes.Load(weights + (6 * lanes)) : default;
        var w7 = TKernel.Size > 7 ? TLanes.Load(weights + (7 * lanes)) : default;
        var w8 = TKernel.Size > 7 ? TLanes.Load(weights + (8 * lanes)) : default;
        var step = (nint)stride * lanes;
        for (var row = 0; row < height; row++)
        {
            var tap = source + (row * sourceRow);
            for (var column = 0; column < width; column++)
            {
                if (ahead.IsOn) ahead.Ask(vector++);
                var y = TFinish.IsMeasured ? TLanes.Multiply(w0, TLanes.Load(tap)) : TLanes.MultiplyAdd(w0, TLanes.Load(tap), shift);
                y = TLanes.MultiplyAdd(w1, TLanes.Load(tap + lanes), y);
                y = TLanes.MultiplyAdd(w2, TLanes.Load(tap + (2 * lanes)), y);
                if (TKernel.Size > 3)
                {
                    y = TLanes.MultiplyAdd(w3, TLanes.Load(tap + (3 * lanes)), y);
                    y = TLanes.MultiplyAdd(w4, TLanes.Load(tap + (4 * lanes)), y);
                }

                if (TKernel.Size > 5)
                {
                    y = TLanes.MultiplyAdd(w5, TLanes.Load(tap + (5 * lanes)), y);
                    y = TLanes.MultiplyAdd(w6, TLanes.Load(tap + (6 * lanes)), y);
                }

                if (TKernel.Size > 7)
                {
                    y = TLanes.MultiplyAdd(w7, TLanes.Load(tap + (7 * lanes)), y);
                    y = TLanes.MultiplyAdd(w8, TLanes.Load(tap + (8 * lanes)), y);
                }

                y = TFinish.Apply<TLanes, TVector>(y);
                TLanes.Store(destination, y);
                if (TFinish.IsMeasured) total = TLanes.Add(total, y);
                tap += step;
                destination += lanes;
            }
        }

        if (TFinish.IsMeasured) TLanes.Store(side, total);
    }

    /// <summary>K×1.</summary>
    /// <param name="rows">The input's rows in padded order; rows of zeros before and after.</param>
    /// <param name="height">Rows of the result.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Vertical<TFinish>(
        float** rows, int height, int width, int kernel, int stride, float* weights, float* destination, float* side)
        where TFinish : struct, ITapFinish
    {
        var lanes = TLanes.Count;
        var total = TLanes.Splat(0);
        var shift = TFinish.IsMeasured ? default : TLanes.Load(side);
        var end = (nint)width * lanes;
        if (TKernel.Size == 0)
        {
            for (var row = 0; row < height; row++)
            {
                var taps = rows + ((nint)row * stride);
                for (nint i = 0; i < end; i += lanes)
                {
                    var y = TFinish.IsMeasured ? TLanes.Multiply(TLanes.Load(weights), TLanes.Load(taps[0] + i)) : TLanes.MultiplyAdd(TLanes.Load(weights), TLanes.Load(taps[0] + i), shift);
                    for (var k = 1; k < kernel; k++) y = TLanes.MultiplyAdd(TLanes.Load(weights + (k * lanes)), TLanes.Load(taps[k] + i), y);
                    y = TFinish.Apply<TLanes, TVector>(y);
                    TLanes.Store(destination + i, y);
                    if (TFinish.IsMeasured) total = TLanes.Add(total, y);
                }

                destination += end;
            }

            if (TFinish.IsMeasured) TLanes.Store(side, total);
            return;
        }

        var w0 = TLanes.Load(weights);
        var w1 = TLanes.Load(weights + lanes);
        var w2 = TLanes.Load(weights + (2 * lanes));
        var w3 = TKernel.Size > 3 ? TLanes.Load(weights + (3 * lanes)) : default;
        var w4 = TKernel.Size > 3 ? TLanes.Load(weights + (4 * lanes)) : default;
        var w5 = TKernel.Size > 5 ? TLanes.Load(weights + (5 * lanes)) : default;
        var w6 = TKernel.Size > 5 ? TLanes.Load(weights + (6 * lanes)) : default;
        var w7 = TKernel.Size > 7 ? TLanes.Load(weights + (7 * lanes)) : default;
        var w8 = TKernel.Size > 7 ? TLanes.Load(weights + (8 * lanes)) : default;
        for (var row = 0; row < height; row++)
        {
            var taps = rows + ((nint)row * stride);
            float* r0 = taps[0], r1 = taps[1], r2 = taps[2];
            var r3 = TKernel.Size > 3 ? taps[3] : null;
            var r4 = TKernel.Size > 3 ? taps[4] : null;
            var r5 = TKernel.Size > 5 ? taps[5] : null;
            var r6 = TKernel.Size > 5 ? taps[6] : null;
            var r7 = TKernel.Size > 7 ? taps[7] : null;
            var r8 = TKernel.Size > 7 ? taps[8] : null;
            for (nint i = 0; i < end; i += lanes)
            {
                var y = TFinish.IsMeasured ? TLanes.Multiply(w0, TLanes.Load(r0 + i)) : TLanes.MultiplyAdd(w0, TLanes.Load(r0 + i), shift);
                y = TLanes.MultiplyAdd(w1, TLanes.Load(r1 + i), y);
                y = TLanes.MultiplyAdd(w2, TLanes.Load(r2 + i), y);
                if (TKernel.Size > 3)
                {
                    y = TLanes.MultiplyAdd(w3, TLanes.Load(r3 + i), y);
                    y = TLanes.MultiplyAdd(w4, TLanes.Load(r4 + i), y);
                }

                if (TKernel.Size > 5)
                {
                    y = TLanes.MultiplyAdd(w5, TLanes.Load(r5 + i), y);
                    y = TLanes.MultiplyAdd(w6, TLanes.Load(r6 + i), y);
                }

                if (TKernel.Size > 7)
                {
                    y = TLanes.MultiplyAdd(w7, TLanes.Load(r7 + i), y);
                    y = TLanes.MultiplyAdd(w8, TLanes.Load(r8 + i), y);
                }

                y = TFinish.Apply<TLanes, TVector>(y);
                TLanes.Store(destination + i, y);
                if (TFinish.IsMeasured) total = TLanes.Add(total, y);
            }

            destination += end;
        }

        if (TFinish.IsMeasured) TLanes.Store(side, total);
    }
}
