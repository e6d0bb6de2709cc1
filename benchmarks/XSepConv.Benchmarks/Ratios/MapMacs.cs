namespace XSepConv.Benchmarks.Ratios;

/// <summary>
/// Multiply-accumulates of one forward pass of a stage, of taps that lie inside the map: zeros around it are not counted,
/// whatever a contestant does with them.
/// </summary>
internal static class MapMacs
{
    /// <summary>Of the 2×2, the 1×K, which strides across, and the K×1, which strides down.</summary>
    public static double XSep(StageMap map, int kernel, int stride) => map.Batch * (double)map.Channels
        * ((TwoTaps(map.Size) * TwoTaps(map.Size)) + ((map.Size + map.Strided(stride)) * Taps(map.Size, kernel, stride)));

    /// <summary>Of the K×K.</summary>
    public static double Depthwise(StageMap map, int kernel, int stride) =>
        map.Batch * (double)map.Channels * Taps(map.Size, kernel, stride) * Taps(map.Size, kernel, stride);

    /// <summary>Of K taps around every pixel of a row, or every second, padded by K/2.</summary>
    private static double Taps(int size, int kernel, int stride) => Enumerable.Range(0, size).Where(x => x % stride == 0)
        .Sum(x => Math.Min(size - 1, x + (kernel / 2)) - Math.Max(0, x - (kernel / 2)) + 1);

    /// <summary>Of a pixel and its neighbour on one side, which the last has not.</summary>
    private static double TwoTaps(int size) => (2 * size) - 1;
}
