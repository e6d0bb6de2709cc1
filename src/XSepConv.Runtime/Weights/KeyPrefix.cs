namespace XSepConv;

/// <summary>What all keys of a file begin with and the module's don't, as where PyTorch's DataParallel wrapped the network.</summary>
internal static class KeyPrefix
{
    // A hostile file could offer one a tensor.
    private const int MostTried = 16;

    /// <summary>Finds the prefix that makes most of the missing keys be there.</summary>
    /// <returns>Such as <c>module.</c>; null where no prefix helps.</returns>
    public static string? Find(IReadOnlyCollection<string> missing, IReadOnlyCollection<string> unexpected)
    {
        if (missing.Count == 0 || unexpected.Count == 0) return null;

        // The shortest missing key would fit the ends of many; the longest fits its own.
        var sought = missing.MaxBy(key => key.Length)!;
        var there = unexpected.ToHashSet();
        foreach (var key in unexpected.Where(key => key.EndsWith("." + sought, StringComparison.Ordinal)).Take(MostTried))
        {
            var prefix = key[..^sought.Length];
            if (2 * missing.Count(name => there.Contains(prefix + name)) > missing.Count) return prefix;
        }

        return null;
    }

    /// <summary>The same for a message, with whose habit it is.</summary>
    public static string Named(string prefix) => SafeTensorsHeader.Quote(prefix) + prefix switch
    {
        "module." => ", as torch.nn.DataParallel and DistributedDataParallel put it there",
        "_orig_mod." => ", as torch.compile puts it there",
        _ => "",
    };
}
