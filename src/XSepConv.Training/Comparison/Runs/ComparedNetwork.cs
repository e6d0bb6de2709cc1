using System.Globalization;

namespace XSepConv.Training;

/// <summary>One of the networks that are compared.</summary>
/// <param name="Id">A short name, good for a folder.</param>
/// <param name="Label">What a reader is shown.</param>
/// <param name="Family">Networks of a family are drawn in one colour and joined.</param>
/// <param name="Against">The id of the network that it is tested against; null for those that others are tested against.</param>
internal sealed record ComparedNetwork(string Id, string Label, string Family, NetworkSpec Spec, string? Against)
{
    /// <summary>
    /// XSepConv and its depthwise twin, for each width with each choice of kernel sizes; between them, where it is asked for, XSepConv
    /// without its 2×2, tested against the same twin.
    /// </summary>
    /// <param name="build">
    /// Both networks of a width with some kernel sizes (<see cref="MobileNetV3Options.Kernels"/>: none for the table's).
    /// </param>
    /// <param name="widths">One at least. Labels name it where there are several.</param>
    /// <param name="kernels">None for the table's; labels name the sizes where there are any.</param>
    /// <param name="without2x2">Whether XSepConv without its 2×2 is trained, too.</param>
    public static IReadOnlyList<ComparedNetwork> Twins(
        Func<double, IReadOnlyList<int>, (NetworkSpec XSep, NetworkSpec Depthwise)> build, IReadOnlyList<double> widths,
        IReadOnlyList<IReadOnlyList<int>> kernels, bool without2x2 = false)
    {
        return [.. widths.SelectMany(width => (kernels.Count == 0 ? [[]] : kernels).SelectMany(sizes => PairOf(width, sizes)))];

        IEnumerable<ComparedNetwork> PairOf(double width, IReadOnlyList<int> sizes)
        {
            var wide = width.ToString(CultureInfo.InvariantCulture);
            var (id, label) = widths.Count == 1 ? ("", "") : ($"-w{wide}", $" ×{wide}");
            if (sizes.Count > 0) (id, label) = ($"{id}-k{Text(sizes, '-')}", $"{label} K={Text(sizes, '/')}");
            else if (kernels.Count > 0) (id, label) = ($"{id}-table", $"{label} K of the table");
            return Pair(build(width, sizes), id, label, without2x2);
        }

        static string Text(IReadOnlyList<int> sizes, char between) =>
            string.Join(between, sizes.Select(size => size.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>
    /// The paper's question about the 2×2's padding: no 2×2, and three ways to pad it. All are tested against the improved symmetric
    /// padding.
    /// </summary>
    public static IReadOnlyList<ComparedNetwork> Paddings(NetworkSpec improved)
    {
        const string Reference = "improved";
        return
        [
            Variant("none", "no 2×2", improved with { Blocks = improved.WithoutTwoByTwo().Blocks }),
            Variant("right-bottom", "2×2 right-bottom", improved with { PaddingStrategy = PaddingStrategy.RightBottom }),
            Variant("symmetric", "2×2 symmetric", improved with { PaddingStrategy = PaddingStrategy.Symmetric }),
            new(Reference, "2×2 improved symmetric", "2×2 improved symmetric", improved, null),
        ];

        ComparedNetwork Variant(string id, string label, NetworkSpec spec) =>
            new(id, label, label, spec with { Name = $"{spec.Name}, {label}" }, Reference);
    }

    /// <summary>
    /// Two of an operator that have the same layers, which other words for kernel sizes and nearly the same width lead to; null where there
    /// are none.
    /// </summary>
    public static (ComparedNetwork First, ComparedNetwork Second)? Twice(IEnumerable<ComparedNetwork> networks) => networks
        .GroupBy(network => (network.Family, (network.Spec with { Name = "" }).ToJson()))
        .Where(same => same.Count() > 1)
        .Select(same => ((ComparedNetwork, ComparedNetwork)?)(same.First(), same.ElementAt(1)))
        .FirstOrDefault();

    private static IEnumerable<ComparedNetwork> Pair(
        (NetworkSpec XSep, NetworkSpec Depthwise) specs, string suffix, string size, bool without2x2) =>
    [
        new($"xsep{suffix}", $"XSepConv{size}", "XSepConv", specs.XSep, $"depthwise{suffix}"),
        .. without2x2
            ? [new ComparedNetwork($"sep{suffix}", $"no 2×2{size}", "no 2×2", specs.XSep.WithoutTwoByTwo(), $"depthwise{suffix}")]
            : Array.Empty<ComparedNetwork>(),
        new($"depthwise{suffix}", $"depthwise twin{size}", "depthwise twin", specs.Depthwise, null),
    ];
}
