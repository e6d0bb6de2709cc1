using System.Text.RegularExpressions;

namespace XSepConv.Core.Tests.Documentation;

/// <summary>The committed output of `ratios` for networks that README links to, by its own headings and columns.</summary>
internal static partial class RatiosTable
{
    public static string Text { get; } = File.ReadAllText(Path.Combine(
        Repository.Root, Link().Matches(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))).Single().Groups[1].Value));

    /// <summary>The rows of a work, in their order: a value by its column's title.</summary>
    public static List<Dictionary<string, string>> Of(string work)
    {
        var lines = Text.Split('\n').SkipWhile(line => line != $"## {work}").Skip(1).TakeWhile(line => !line.StartsWith('#'))
            .Where(line => line.StartsWith('|')).Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries)).ToList();
        Assert.True(lines.Count > 2, $"network-ratios.md has no table '{work}'.");
        return [.. lines.Skip(2).Select(cells => lines[0].Zip(cells).ToDictionary(pair => pair.First, pair => pair.Second))];
    }

    [GeneratedRegex(@"\]\((benchmarks/results/[^)]+/network-ratios\.md)\)")]
    private static partial Regex Link();
}
