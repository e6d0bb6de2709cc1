namespace XSepConv;

/// <summary>A network with XSepConv and its depthwise twin, as the catalog has them.</summary>
/// <param name="ShortName">What a command calls the pair.</param>
/// <param name="Rows">How many blocks both have.</param>
internal sealed record CatalogEntry(
    string ShortName, string XSepName, string TwinName, int Rows,
    Func<MobileNetV3Options?, NetworkSpec> XSep, Func<MobileNetV3Options?, NetworkSpec> Twin);

/// <summary>A network of a paper, as the catalog has it.</summary>
/// <param name="Rows">How many blocks it has.</param>
internal sealed record PublishedEntry(string Name, int Rows, Func<MobileNetV3Options?, NetworkSpec> Build);

/// <summary>The networks that have a name.</summary>
internal static class NetworkCatalog
{
    public static IReadOnlyList<CatalogEntry> All { get; } =
    [
        new("small", MobileNetV3SmallSpec.XSepName, MobileNetV3SmallSpec.TwinName, MobileNetV3SmallTable.Rows.Count,
            MobileNetV3SmallSpec.XSep, MobileNetV3SmallSpec.Twin),
        new("large", MobileNetV3LargeSpec.XSepName, MobileNetV3LargeSpec.TwinName, MobileNetV3LargeTable.Rows.Count,
            MobileNetV3LargeSpec.XSep, MobileNetV3LargeSpec.Twin),
        new("large-kernel", LargeKernelSmallSpec.XSepName, LargeKernelSmallSpec.TwinName, LargeKernelSmallTable.Rows.Count,
            LargeKernelSmallSpec.XSep, LargeKernelSmallSpec.Twin),
    ];

    /// <summary>Those that have no twin: they are as published.</summary>
    public static IReadOnlyList<PublishedEntry> Published { get; } =
    [
        new(PublishedSpec.MobileNetV3SmallName, PublishedTables.Small.Rows.Count, PublishedSpec.MobileNetV3Small),
        new(PublishedSpec.MobileNetV3LargeName, PublishedTables.Large.Rows.Count, PublishedSpec.MobileNetV3Large),
        new(PublishedSpec.MobileNetV2Name, PublishedTables.V2.Rows.Count, PublishedSpec.MobileNetV2),
    ];

    /// <summary>Their names, a twin after its network.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. All.SelectMany(entry => new[] { entry.XSepName, entry.TwinName }), .. Published.Select(entry => entry.Name)];

    /// <summary>The network of a name.</summary>
    /// <exception cref="ArgumentException">There is no such network, or an option is out of range.</exception>
    public static NetworkSpec Build(string name, MobileNetV3Options? options = null) =>
        Published.FirstOrDefault(entry => name == entry.Name) is { } published ? published.Build(options)
            : All.FirstOrDefault(entry => name == entry.XSepName || name == entry.TwinName) is not { } entry
            ? throw new ArgumentException($"There is no network '{name}'; known are {string.Join(", ", Names)}.", nameof(name))
            : name == entry.XSepName ? entry.XSep(options) : entry.Twin(options);

    /// <summary>How many blocks the network of a name has.</summary>
    public static int RowsOf(string name) =>
        Published.FirstOrDefault(entry => name == entry.Name)?.Rows
            ?? All.First(entry => name == entry.XSepName || name == entry.TwinName).Rows;
}
