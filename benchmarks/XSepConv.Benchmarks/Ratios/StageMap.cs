namespace XSepConv.Benchmarks.Ratios;

/// <summary>The input of a stage.</summary>
internal readonly record struct StageMap(int Batch, int Channels, int Size)
{
    // What the networks of this project have at 224×224; the batches differ by work.
    private static readonly (int Channels, int Size)[] s_networks = [(240, 14), (144, 14), (576, 7), (72, 28)];
    private static readonly int[] s_networkKernels = [3, 5, 7, 9];

    /// <summary>Where kernels of 11 and more have something to cover.</summary>
    private static readonly StageMap[] s_large = [new(16, 192, 28), new(8, 96, 56)];

    /// <summary>As torch writes it.</summary>
    public string Shape => $"{Batch}x{Channels}x{Size}x{Size}";

    /// <summary>The side after a stride.</summary>
    public int Strided(int stride) => ((Size - 1) / stride) + 1;

    /// <summary>Values.</summary>
    public double Elements => (double)Batch * Channels * Size * Size;

    /// <summary>The networks' maps with their kernels, or, where kernels are asked for, the large maps with those.</summary>
    public static IEnumerable<(StageMap Map, int Kernel)> Cases(RatioSettings settings, params IEnumerable<int> batches) =>
        settings.Kernels.Count > 0
            ? from kernel in settings.Kernels from map in settings.Maps select (map, kernel)
            : from batch in batches from kernel in s_networkKernels from map in OfNetworks(batch) select (map, kernel);

    /// <summary>The large maps, unless others are asked for.</summary>
    public static IReadOnlyList<StageMap> Large => s_large;

    /// <summary>Whether the networks have such a map, whatever the batch.</summary>
    public static bool IsOfNetworks(string shape) =>
        Array.Exists(s_networks, map => shape.EndsWith($"x{map.Channels}x{map.Size}x{map.Size}"));

    /// <summary>Reads <c>NxCxHxH</c>; null where a text is something else.</summary>
    public static StageMap? Parse(string text)
    {
        var numbers = text.Split('x').Select(part => int.TryParse(part, out var number) ? number : 0).ToList();
        return numbers is [var batch, var channels, var height, var width] && numbers.All(number => number is >= 1 and <= 4096)
            && height == width ? new(batch, channels, height) : null;
    }

    /// <summary>The networks' maps.</summary>
    public static IEnumerable<StageMap> OfNetworks(int batch) => s_networks.Select(map => new StageMap(batch, map.Channels, map.Size));
}
