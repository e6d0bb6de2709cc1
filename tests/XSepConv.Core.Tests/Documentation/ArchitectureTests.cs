using System.Text.RegularExpressions;

namespace XSepConv.Core.Tests.Documentation;

public sealed partial class ArchitectureTests
{
    private static string Page { get; } = File.ReadAllText(Path.Combine(Repository.Root, "docs", "architecture.md"));

    [Fact]
    public void The_arrows_of_the_picture_are_the_projects_references()
    {
        var referenced = Repository.Pages("src", "*.csproj").SelectMany(project =>
            References().Matches(File.ReadAllText(Path.Combine(Repository.Root, project)))
                .Select(match => (From: Path.GetFileNameWithoutExtension(project), To: $"XSepConv.{match.Groups[1].Value}")));
        var drawn = Arrows().Matches(Page).Select(match => (From: $"XSepConv.{match.Groups[1].Value}", To: $"XSepConv.{match.Groups[2].Value}"));

        // What a project gets through another is not drawn again.
        Assert.Equal(referenced.Where(edge => !Reached(edge)).Order(), drawn.Order());
        bool Reached((string From, string To) edge) => referenced.Any(first => first.From == edge.From && first.To != edge.To && Leads(first.To, edge.To));
        bool Leads(string from, string to) => from == to || referenced.Any(edge => edge.From == from && Leads(edge.To, to));
    }

    // That the files are there is LinkTests' part.
    [Fact]
    public void The_walk_has_at_most_ten_stations_each_a_file()
    {
        var stations = Stations().Matches(Page).Select(match => match.Groups[1].Value).ToList();

        Assert.InRange(stations.Count, 5, 10);
        Assert.All(stations, station => Assert.EndsWith(".cs", station));
    }

    [Fact]
    public void The_files_that_two_additions_touched_are_there()
    {
        var names = CSharpFiles().Matches(Page[Page.IndexOf("## What two additions touched", StringComparison.Ordinal)..])
            .Select(match => match.Groups[1].Value).ToList();
        var sources = Repository.Pages("src", "*.cs").ToList();

        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.Contains(sources, source => source.EndsWith($"/{name}", StringComparison.Ordinal)));
    }

    [GeneratedRegex(@"<ProjectReference Include=""\.\./XSepConv\.\w+/XSepConv\.(\w+)\.csproj""")]
    private static partial Regex References();

    [GeneratedRegex(@"^  (\w+)(?:\[[^\]]*\])? --> (\w+)", RegexOptions.Multiline)]
    private static partial Regex Arrows();

    [GeneratedRegex(@"^\| \d+ \| \[\w+\]\(([^)]+)\)", RegexOptions.Multiline)]
    private static partial Regex Stations();

    [GeneratedRegex(@"`([\w/.]+\.cs)`")]
    private static partial Regex CSharpFiles();
}
