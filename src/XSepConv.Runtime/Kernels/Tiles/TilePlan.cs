namespace XSepConv.Kernels;

/// <summary>Tiles of one size that follow each other.</summary>
/// <param name="Offset">The first one's first pixel.</param>
/// <param name="Pixels">Pixels of a tile.</param>
/// <param name="Count">How many.</param>
internal readonly record struct TileRun(int Offset, int Pixels, int Count);

/// <summary>Cuts pixels, or vectors of channels, into tiles so that the whole costs least.</summary>
internal static class TilePlan
{
    // From here on the rest is cut by the best tile: what is left then is still long enough for the best cut.
    private const int SearchedTiles = 8;

    /// <summary>The sizes of the pieces, largest first.</summary>
    /// <param name="total">What is to be cut, at least 1.</param>
    /// <param name="largest">The largest piece.</param>
    /// <param name="cost">The cost of one piece by its size.</param>
    public static List<int> Pieces(int total, int largest, Func<int, double> cost) =>
        [.. Runs(total, largest, cost).SelectMany(run => Enumerable.Repeat(run.Pixels, run.Count))];

    /// <summary>The same as runs of equal tiles.</summary>
    public static TileRun[] Runs(int total, int largest, Func<int, double> cost)
    {
        var counts = Counts(total, largest, cost);
        var runs = new List<TileRun>();
        var offset = 0;
        for (var size = largest; size >= 1; size--)
        {
            if (counts[size] == 0) continue;
            runs.Add(new(offset, size, counts[size]));
            offset += size * counts[size];
        }

        return [.. runs];
    }

    // How many pieces there are of each size. A map has millions of pixels where one asks for it, so equal ones are not listed.
    private static int[] Counts(int total, int largest, Func<int, double> cost)
    {
        var costs = new double[largest + 1];
        for (var size = 1; size <= largest; size++) costs[size] = cost(size);
        var best = 1;
        for (var size = 2; size <= largest; size++)
        {
            if (costs[size] / size <= costs[best] / best) best = size;
        }

        var counts = new int[largest + 1];
        counts[best] = Math.Max(0, (total - (SearchedTiles * largest) + best - 1) / best);
        total -= counts[best] * best;
        var cheapest = new double[total + 1];
        var last = new int[total + 1];
        for (var n = 1; n <= total; n++)
        {
            cheapest[n] = double.PositiveInfinity;
            for (var size = Math.Min(n, largest); size >= 1; size--)
            {
                var candidate = cheapest[n - size] + costs[size];
                if (candidate < cheapest[n]) (cheapest[n], last[n]) = (candidate, size);
            }
        }

        for (; total > 0; total -= last[total]) counts[last[total]]++;
        return counts;
    }
}
