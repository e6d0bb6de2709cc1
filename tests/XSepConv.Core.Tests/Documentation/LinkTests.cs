using System.Text.RegularExpressions;

namespace XSepConv.Core.Tests.Documentation;

public sealed partial class LinkTests
{
    public static TheoryData<string> Pages() =>
    [
        "README.md",
        .. Directory.EnumerateFiles(Repository.Root, "*.md").Select(path => Path.GetFileName(path)).Where(name => name != "README.md").Order(),
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md").Select(path => $"docs/{Path.GetFileName(path)}").Order(),
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "README.md", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Repository.Root, path).Replace('\\', '/')).Order(),
    ];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Links_lead_to_files_and_headings_that_exist(string page)
    {
        var path = Path.Combine(Repository.Root, page);
        Assert.All(Links().Matches(WithoutCode(path)).Select(match => match.Groups[1].Value).Where(link => !link.Contains(':')), link =>
        {
            var (file, heading) = link.Split('#') is [var before, var after] ? (before, after) : (link, null);
            var target = file.Length == 0 ? path : Path.Combine(Path.GetDirectoryName(path)!, file);
            Assert.True(File.Exists(target) || Directory.Exists(target), $"{page} links {link}, which is not there.");
            if (heading is not null)
                Assert.True(Anchors(target).Contains(heading), $"{page} links {link}: no such heading; there are {string.Join(", ", Anchors(target))}.");
        });
    }

    private static HashSet<string> Anchors(string path) =>
        [.. Headings().Matches(WithoutCode(path)).Select(match => NotInAnchors().Replace(match.Groups[1].Value.ToLowerInvariant(), "").Replace(' ', '-'))];

    private static string WithoutCode(string path) => Fences().Replace(File.ReadAllText(path), "");

    [GeneratedRegex(@"\]\(([^)]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex("^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Headings();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchors();

    [GeneratedRegex("^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fences();
}
