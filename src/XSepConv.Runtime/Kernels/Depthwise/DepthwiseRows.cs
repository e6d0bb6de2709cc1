using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>The two-dimensional depthwise convolution of one group of planes, a tile of a row at a time.</summary>
/// <remarks>
/// A tile's results stay in registers over all taps, and a vector of the input is loaded once for up to three neighbouring taps: fewer
/// loads than multiply-accumulates, so that those set the pace. Rows outside the map are left out; columns outside are zeros in memory.
/// </remarks>
internal static unsafe class DepthwiseRows<TLanes, TVector, TStride, TActivation>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TStride : struct, IStride
    where TActivation : struct, IActivation
{
    /// <param name="source">The map's first element; zeros before and after each row as far as <paramref name="window"/> reaches.</param>
    /// <param name="weights">A vector a tap.</param>
    /// <param name="shift">What the sums start at, one vector.</param>
    /// <param name="destination">The result's first element, its rows and columns these numbers of floats apart.</param>
    /// <param name="first">What will be needed soon.</param>
    /// <param name="second">More of it.</param>
    public static void Run(
        in VectorMap source, in TapWindow window, float* weights, float* shift, float* destination, nint destinationRow,
        nint destinationColumn,
        int height, int width, in PrefetchLines first = default, in PrefetchLines second = default)
    {
        switch (TileWidth.For(width))
        {
            case 8:
                Run<Tile8>(source, window, weights, shift, destination, destinationRow, destinationColumn, height, width, first, second);
                break;
            case 7:
                Run<Tile7>(source, window, weights, shift, destination, destinationRow, destinationColumn, height, width, first, second);
                break;
            case 4:
                Run<Tile4>(source, window, weights, shift, destination, destinationRow, destinationColumn, height, width, first, second);
                break;
            default:
                Run<Tile1>(source, window, weights, shift, destination, destinationRow, destinationColumn, height, width, first, second);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TTile>(
        in VectorMap source, in TapWindow window, float* weights, float* shift, float* destination, nint destinationRow,
        nint destinationColumn,
        int height, int width, in PrefetchLines first, in PrefetchLines second)
        where TTile : struct, ITileWidth
    {
        var lanes = TLanes.Count;
        var step = TStride.Value * lanes;
        var start = TLanes.Load(shift);
        var (rows, columns) = (window.Rows, window.Columns);
        var tapRow = (nint)columns * lanes;
        var sourceRow = source.RowFloats;
        var vector = 0;
        for (var row = 0; row < height; row++)
        {
            var top = (row * TStride.Value) - window.Top;
            var skipped = Math.Max(0, -top);
            var end = Math.Min(rows, source.Height - top);
            var line = source.First + ((top + skipped) * sourceRow) - (window.Left * lanes);
            for (var column = 0; ;)
            {
                TVector a0 = start, a1 = start, a2 = start, a3 = start, a4 = start, a5 = start, a6 = start, a7 = start;
                var w = weights + (skipped * tapRow);
                var x = line + ((nint)column * step);
                for (var r = skipped; r < end; r++)
                {
                    var tap = x;
                    var k = columns;
                    for (; k >= 3; k -= 3)
                    {
                        var w0 = TLanes.Load(w);
                        var w1 = TLanes.Load(w + lanes);
                        var w2 = TLanes.Load(w + (2 * lanes));
                        var x0 = TLanes.Load(tap);
                        var x1 = TLanes.Load(tap + lanes);
                        var x2 = TLanes.Load(tap + (2 * lanes));
                        a0 = Three(w0, w1, w2, x0, x1, x2, a0);
                        if (TTile.Width > 1)
                        {
                            (x0, x1) = TStride.Value == 1 ? (x1, x2) : (x2, TLanes.Load(tap + step + lanes));
                            x2 = TLanes.Load(tap + step + (2 * lanes));
                            a1 = Three(w0, w1, w2, x0, x1, x2, a1);
                            (x0, x1) = TStride.Value == 1 ? (x1, x2) : (x2, TLanes.Load(tap + (2 * step) + lanes));
                            x2 = TLanes.Load(tap + (2 * step) + (2 * lanes));
                            a2 = Three(w0, w1, w2, x0, x1, x2, a2);
                            (x0, x1) = TStride.Value == 1 ? (x1, x2) : (x2, TLanes.Load(tap + (3 * step) + lanes));
                            x2 = TLanes.Load(tap + (3 * step) + (2 * lanes));
                            a3 = Three(w0, w1, w2, x0, x1, x2, a3);
                        }

                        if (TTile.Width > 4)
                        {
                            (x0, x1) = TStride.Value == 1 ? (x1, x2) : (x2, TLanes.Load(tap + (4 * step) + lanes));
                            x2 = TLanes.Load(tap + (4 * step) + (2 * lanes));
                            a4 = Three(w0, w1, w2, x0, x1, x2, a4);
                            (x0, x1) = TStride.Value == 1 ? (x1, x2) : (x2, TLanes.Load(tap + (5 * step) + lanes));
                            x2 = TLanes.Load(tap + (5 * step) + (2 * lanes));
                            a5 = Three(w0, w1, w2, x0, x1, x2, a5);
                            (x0, x1) = TStride.Value == 1 ? (x1, x2) : (x2, TLanes.Load(tap + (6 * step) + lanes));
                            x2 = TLanes.Load(tap + (6 * step) + (2 * lanes));
                            a6 = Three(w0, w1, w2, x0, x1, x2, a6);
                        }

                        if (TTile.Width > 7)
                        {
                            (x0, x1) = TStride.Value == 1 ? (x1, x2) : (x2, TLanes.Load(tap + (7 * step) + lanes));
                            x2 = TLanes.Load(tap + (7 * step) + (2 * lanes));
                            a7 = Three(w0, w1, w2, x0, x1, x2, a7);
                        }

                        w += 3 * lanes;
                        tap += 3 * lanes;
                    }

                    for (; k > 0; k--)
                    {
                        var weight = TLanes.Load(w);
                        a0 = TLanes.MultiplyAdd(weight, TLanes.Load(tap), a0);
                        if (TTile.Width > 1)
                        {
                            a1 = TLanes.MultiplyAdd(weight, TLanes.Load(tap + step), a1);
                            a2 = TLanes.MultiplyAdd(weight, TLanes.Load(tap + (2 * step)), a2);
                            a3 = TLanes.MultiplyAdd(weight, TLanes.Load(tap + (3 * step)), a3);
                        }

                        if (TTile.Width > 4)
                        {
                            a4 = TLanes.MultiplyAdd(weight, TLanes.Load(tap + (4 * step)), a4);
                            a5 = TLanes.MultiplyAdd(weight, TLanes.Load(tap + (5 * step)), a5);
                            a6 = TLanes.MultiplyAdd(weight, TLanes.Load(tap + (6 * step)), a6);
                        }

                        if (TTile.Width > 7) a7 = TLanes.MultiplyAdd(weight, TLanes.Load(tap + (7 * step)), a7);
                        w += lanes;
                        tap += lanes;
                    }

                    x += sourceRow;
                }

                var y = destination + (column * destinationColumn);
                TLanes.Store(y, TActivation.Apply<TLanes, TVector>(a0));
                if (TTile.Width > 1)
                {
                    TLanes.Store(y + destinationColumn, TActivation.Apply<TLanes, TVector>(a1));
                    TLanes.Store(y + (2 * destinationColumn), TActivation.Apply<TLanes, TVector>(a2));
                    TLanes.Store(y + (3 * destinationColumn), TActivation.Apply<TLanes, TVector>(a3));
                }

                if (TTile.Width > 4)
                {
                    TLanes.Store(y + (4 * destinationColumn), TActivation.Apply<TLanes, TVector>(a4));
                    TLanes.Store(y + (5 * destinationColumn), TActivation.Apply<TLanes, TVector>(a5));
                    TLanes.Store(y + (6 * destinationColumn), TActivation.Apply<TLanes, TVector>(a6));
                }

                if (TTile.Width > 7) TLanes.Store(y + (7 * destinationColumn), TActivation.Apply<TLanes, TVector>(a7));

                if (first.IsOn) first.Lines(vector, TTile.Width);
                if (second.IsOn) second.Lines(vector, TTile.Width);
                vector += TTile.Width;

                // The last tile overlaps the one before it where tiles don't divide the row: the same values are written twice.
                if (column == width - TTile.Width) break;
                column = Math.Min(column + TTile.Width, width - TTile.Width);
            }

            destination += destinationRow;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Three(TVector w0, TVector w1, TVector w2, TVector x0, TVector x1, TVector x2, TVector sum) =>
        TLanes.MultiplyAdd(w2, x2, TLanes.MultiplyAdd(w1, x1, TLanes.MultiplyAdd(w0, x0, sum)));
}
