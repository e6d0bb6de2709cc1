namespace XSepConv.Core.Tests.Documentation;

public class ReadmeTests
{
    [Fact]
    public void Its_benchmark_rows_are_those_of_the_committed_results()
    {
        var results = Directory.EnumerateFiles(Path.Combine(Repository.Root, "benchmarks", "results"), "*.md", SearchOption.AllDirectories)
            .SelectMany(File.ReadLines).ToHashSet();
        var rows = File.ReadLines(Path.Combine(Repository.Root, "README.md")).Where(line => line.StartsWith("| cpu |", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.Contains(row, results));
    }

    [Fact]
    public void Its_counts_are_those_of_the_default_network()
    {
        using var network = new XSepMobileNetV3Small();
        var profile = ModelProfile.Of(network, 1, 3, 224, 224);
        var invariant = System.Globalization.CultureInfo.InvariantCulture;

        Assert.Contains(
            string.Create(invariant, $"| {profile.Parameters:N0} | {profile.Macs:N0} |"), File.ReadAllText(Path.Combine(Repository.Root, "README.md")));
    }

    [Fact]
    public void Its_links_lead_somewhere()
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        var links = System.Text.RegularExpressions.Regex.Matches(text, @"\]\(([^)#]+)\)").Select(match => match.Groups[1].Value)
            .Where(link => !link.StartsWith("http", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(links);
        Assert.All(links, link => Assert.True(File.Exists(Path.Combine(Repository.Root, link)), $"README links {link}, which is not there."));
    }
}
