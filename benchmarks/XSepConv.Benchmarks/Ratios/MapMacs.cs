namespace XSepConv.Benchmarks.Ratios;

/// <summary>
/// Multiply-accumulates of one forward pass of a stage at stride 1, of taps that lie inside the map: zeros around it are not counted,
/// whatever a contestant does with them.
/// </summary>
internal static class MapMacs
{
    /// <summary>Of the 2×2, the 1×K and the K×1.</summary>
    public static double XSep(StageMap map, int kernel) =>
        map.Batch * (double)map.Channels * ((TwoTaps(map.Size) * TwoTaps(map.Size)) + (2 * map.Size * Taps(map.Size, kernel)));

    /// <summary>Of the K×K.</summary>
    public static double Depthwise(StageMap map, int kernel) =>
        map.Batch * (double)map.Channels * Taps(map.Size, kernel) * Taps(map.Size, kernel);

    /// <summary>Of K taps around each of the pixels of a row, padded by K/2.</summary>
    private static double Taps(int size, int kernel) =>
        Enumerable.Range(0, size).Sum(x => Math.Min(size - 1, x + (kernel / 2)) - Math.Max(0, x - (kernel / 2)) + 1);

    /// <summary>Of a pixel and its neighbour on one side, which the last has not.</summary>
    private static double TwoTaps(int size) => (2 * size) - 1;
}
