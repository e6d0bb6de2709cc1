namespace XSepConv.Kernels;

/// <summary>Columns that a convolution computes at a time, each in a register of its own.</summary>
internal interface ITileWidth
{
    static abstract int Width { get; }
}

internal readonly struct Tile8 : ITileWidth
{
    public static int Width => 8;
}

/// <summary>Maps of 7, 14, 28 columns, what 224×224 images come to, without a rest.</summary>
internal readonly struct Tile7 : ITileWidth
{
    public static int Width => 7;
}

internal readonly struct Tile4 : ITileWidth
{
    public static int Width => 4;
}

internal readonly struct Tile1 : ITileWidth
{
    public static int Width => 1;
}

internal static class TileWidth
{
    // What starting a tile costs, in columns.
    private const int Overhead = 2;

    /// <summary>
    /// The cheapest of the widths that fit into a row; the last tile overlaps the one before it where they don't divide the row.
    /// </summary>
    public static int For(int columns)
    {
        var best = 1;
        foreach (var width in (ReadOnlySpan<int>)[4, 7, 8])
        {
            if (width <= columns && Cost(width) <= Cost(best)) best = width;
        }

        return best;

        int Cost(int width) => (columns + width - 1) / width * (width + Overhead);
    }
}
