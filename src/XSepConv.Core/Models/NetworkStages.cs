namespace XSepConv;

/// <summary>Where the stages of a network end, and what of it belongs to the first of them.</summary>
internal static class NetworkStages
{
    private const string Stem = "conv1", Last = "conv2", Block = "bneck.";

    /// <inheritdoc cref="MobileNet.FeatureInfo"/>
    public static IReadOnlyList<FeatureInfo> Maps(NetworkSpec spec)
    {
        var maps = new SortedDictionary<int, FeatureInfo> { [spec.StemStride] = new(spec.StemChannels, spec.StemStride, Stem) };
        foreach (var (stride, i) in spec.InputStrides().Select((stride, i) => (stride, i)))
        {
            var reduction = stride * spec.Blocks[i].Stride;
            maps[reduction] = new(spec.Blocks[i].Out, reduction, $"{Block}{i}");
        }

        if (spec.HiddenFeatures > 0) maps[maps.Keys.Max()] = new(spec.LastChannels, maps.Keys.Max(), Last);
        return [.. maps.Values];
    }

    /// <summary>Which of the network's parts gives a map, as <see cref="Layers.NetworkLayers.Part"/> counts them.</summary>
    public static int Part(NetworkSpec spec, string module) => module switch
    {
        Stem => 0,
        Last => spec.Blocks.Length + 1,
        _ => int.Parse(module[Block.Length..], System.Globalization.CultureInfo.InvariantCulture) + 1,
    };

    /// <summary>The paths of the modules of the first stages.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    public static IReadOnlyList<string> Parts(NetworkSpec spec, int stages)
    {
        var maps = Maps(spec);
        if (stages < 0 || stages > maps.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(stages), stages, $"There are {maps.Count} stages; 0 freezes none.");
        }

        if (stages == 0) return [];
        var last = maps[stages - 1].Module;
        var blocks = Math.Min(Part(spec, last), spec.Blocks.Length);
        string[] end = last == Last ? [Last, "bn2"] : [];
        return [Stem, "bn1", .. Enumerable.Range(0, blocks).Select(i => $"{Block}{i}"), .. end];
    }
}
