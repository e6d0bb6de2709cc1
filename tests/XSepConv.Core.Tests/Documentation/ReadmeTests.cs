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

    [Theory]
    [InlineData("training step, 32 images", "stage-train", 32)]
    [InlineData("training step, 128 images", "stage-train", 128)]
    [InlineData("inference, 32 images", "stage-eval", 32)]
    [InlineData("inference, 1 image", "stage-eval", 1)]
    public void Its_ratios_are_those_of_the_committed_results(string label, string work, int batch)
    {
        var shown = Cells(File.ReadLines(Path.Combine(Repository.Root, "README.md")).Single(line => line.StartsWith($"| {label} |", StringComparison.Ordinal)));
        var section = File.ReadLines(Directory.EnumerateFiles(Path.Combine(Repository.Root, "benchmarks", "results"), "ratios.md", SearchOption.AllDirectories).Single())
            .SkipWhile(line => line != $"## {work}").Skip(1).TakeWhile(line => !line.StartsWith('#'));
        // K = 3, 5, 7, 9: model, batch, K, composed/fused, depthwise/fused, depthwise-fused/fused, …
        var rows = section.Select(Cells).Where(cells => cells.Length > 5 && cells[1] == $"{batch}").ToList();

        Assert.Equal(4, rows.Count);
        Assert.Equal(rows.Select(cells => cells[4]).Concat(rows.Skip(1).Select(cells => cells[5])), shown.Skip(1));
    }

    private static string[] Cells(string row) => row.Trim('|').Split('|', StringSplitOptions.TrimEntries);

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
