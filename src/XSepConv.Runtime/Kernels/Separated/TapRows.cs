using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// One-dimensional depthwise convolutions of one group of planes, any K and stride: what no sweep serves. Borders are vectors of zeros, so
/// that no loop has a branch.
/// </summary>
internal static unsafe class TapRows<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>1×K.</summary>
    /// <param name="source">Rows with K/2 zeros at either end.</param>
    /// <param name="sourceRow">From one row to the next, in floats.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="side">Measured: each lane's sum of the result is written there. Otherwise the shift is read there.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Horizontal<TFinish>(
        float* source, nint sourceRow, int height, int width, int kernel, int stride, float* weights, float* destination, float* side)
        where TFinish : struct, ITapFinish
    {
        var lanes = TLanes.Count;
        var total = TLanes.Splat(0);
        var start = TFinish.IsMeasured ? total : TLanes.Load(side);
        for (var row = 0; row < height; row++)
        {
            for (var column = 0; column < width; column++)
            {
                var tap = source + (row * sourceRow) + ((nint)column * stride * lanes);
                var y = start;
                for (var k = 0; k < kernel; k++)
                {
                    y = TLanes.MultiplyAdd(TLanes.Load(weights + (k * lanes)), TLanes.Load(tap + (k * lanes)), y);
                }

                y = TFinish.Apply<TLanes, TVector>(y);
                TLanes.Store(destination, y);
                if (TFinish.IsMeasured) total = TLanes.Add(total, y);
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
        var start = TFinish.IsMeasured ? total : TLanes.Load(side);
        var end = (nint)width * lanes;
        for (var row = 0; row < height; row++)
        {
            var taps = rows + ((nint)row * stride);
            for (nint i = 0; i < end; i += lanes)
            {
                var y = start;
                for (var k = 0; k < kernel; k++) y = TLanes.MultiplyAdd(TLanes.Load(weights + (k * lanes)), TLanes.Load(taps[k] + i), y);
                y = TFinish.Apply<TLanes, TVector>(y);
                TLanes.Store(destination + i, y);
                if (TFinish.IsMeasured) total = TLanes.Add(total, y);
            }

            destination += end;
        }

        if (TFinish.IsMeasured) TLanes.Store(side, total);
    }
}
