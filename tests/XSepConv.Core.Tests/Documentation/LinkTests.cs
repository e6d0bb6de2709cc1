using System.Text.RegularExpressions;

namespace XSepConv.Core.Tests.Documentation;

public sealed partial class LinkTests
{
    public static TheoryData<string> Pages() =>
    [
        "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md",
        .. Repository.Pages("docs", "*.md"), .. Repository.Pages("models", "*.md"),
    ];

    public static TheoryData<string> PackageReadmes() => [.. Repository.Pages("src", "README.md")];

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
            {
                var there = Anchors(target);
                Assert.True(there.Contains(heading), $"{page} links {link}: no such heading; there are {string.Join(", ", there)}.");
            }
        });
    }

    // A package's readme is shown alone, on a registry's page.
    [Theory]
    [MemberData(nameof(PackageReadmes))]
    public void Links_of_a_package_s_readme_need_no_repository(string page) =>
        Assert.All(
            Links().Matches(WithoutCode(Path.Combine(Repository.Root, page))).Select(match => match.Groups[1].Value),
            link => Assert.StartsWith("https://", link, StringComparison.Ordinal));

    [Fact]
    public void Every_package_has_a_readme_of_its_own()
    {
        var packages = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Where(project => File.ReadAllText(project).Contains("<IsPackable>true</IsPackable>")).ToList();

        Assert.NotEmpty(packages);
        Assert.All(packages, project =>
        {
            var own = PackageId().Match(File.ReadAllText(project));
            var id = own.Success ? own.Groups[1].Value : Path.GetFileNameWithoutExtension(project);
            Assert.StartsWith($"# {id}\n", File.ReadAllText(Path.Combine(Path.GetDirectoryName(project)!, "README.md")));
        });
    }

    private static HashSet<string> Anchors(string path) =>
    [
        .. Headings().Matches(WithoutCode(path)).Select(
            match => NotInAnchors().Replace(match.Groups[1].Value.ToLowerInvariant(), "").Replace(' ', '-')),
    ];

    private static string WithoutCode(string path) => Fences().Replace(File.ReadAllText(path), "");

    [GeneratedRegex(@"\]\(([^)]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex("<PackageId>(.*)</PackageId>")]
    private static partial Regex PackageId();

    [GeneratedRegex("^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Headings();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchors();

    [GeneratedRegex("^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fences();
}
