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
    public static List<int> Pieces(int total, int largest, Func<int, double> cost)
    {
        var costs = new double[largest + 1];
        for (var size = 1; size <= largest; size++) costs[size] = cost(size);
        var best = 1;
        for (var size = 2; size <= largest; size++)
        {
            if (costs[size] / size <= costs[best] / best) best = size;
        }

        var pieces = new List<int>();
        for (; total > SearchedTiles * largest; total -= best) pieces.Add(best);
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

        for (; total > 0; total -= last[total]) pieces.Add(last[total]);
        pieces.Sort((a, b) => b.CompareTo(a));
        return pieces;
    }

    /// <summary>The same as runs of equal tiles.</summary>
    public static TileRun[] Runs(int total, int largest, Func<int, double> cost)
    {
        var runs = new List<TileRun>();
        var offset = 0;
        foreach (var same in Pieces(total, largest, cost).CountBy(size => size))
        {
            runs.Add(new(offset, same.Key, same.Value));
            offset += same.Key * same.Value;
        }

        return [.. runs];
    }
}
