using System.Text.Json;

namespace XSepConv.Training.Tests.Comparison;

/// <summary>Of many networks, which one would choose: by hand, four of them with three seeds each.</summary>
public sealed class FrontierTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>
    /// Costs 1, 2, 3 and 4 with 50, 75, 62.5 and 75 % right. The third is beaten by the second, which is cheaper and better; so is the
    /// fourth, which is dearer and no better.
    /// </summary>
    [Fact]
    public void A_network_is_on_it_that_no_other_beats()
    {
        var report = Report();
        double[] right = [0.5, 0.75, 0.625, 0.75];
        NetworkReport[] networks = [.. report.Networks.Zip(right, (network, top1) => network with { Top1 = SampleStatistics.Of([top1]) })];
        var costs = networks.Zip([1.0, 2, 3, 4]).ToDictionary(pair => pair.First.Network.Id, pair => pair.Second);

        Assert.Equal([networks[0], networks[1]], Frontier.Among(networks.Reverse(), network => costs[network.Network.Id]));

        // As cheap and better: the other is beaten.
        Assert.Equal([networks[1]], Frontier.Among(networks, _ => 1));
    }

    [Fact]
    public void The_report_of_many_networks_says_which_no_other_beats_at_each_cost_and_shows_them()
    {
        var report = Report();
        Assert.True(report.IsGrid);
        Assert.Equal(["MACs", "latency in the runtime", "time of training"], Frontier.Of(report).Select(frontier => frontier.Cost));

        // Latencies are 1, 2, 3, 4 in the order of the networks; the first XSepConv is right as often as the second, 18 times of 24, and
        // both twins 14 times.
        var fastest = Frontier.Of(report)[1];
        Assert.Equal(["xsep-w0.5"], fastest.Networks.Select(network => network.Network.Id));
        Assert.Equal(
            "Best for their latency in the runtime, from the cheapest up: XSepConv ×0.5 with 75.00 ± 12.50 % (1 XSepConv).",
            ReportText.Unbeaten(fastest));

        using var json = JsonDocument.Parse(JsonReport.Write(report));
        Assert.Equal("MACs", json.RootElement.GetProperty("frontiers")[0].GetProperty("cost").GetString());
        Assert.Equal(
            "xsep-w0.5",
            json.RootElement.GetProperty("measured").GetProperty("frontiers")[0].GetProperty("networks")[0].GetString());

        var page = HtmlReport.Write(report);
        Assert.Contains("<p data-measured>Best for their latency in the runtime", page, StringComparison.Ordinal);
        Assert.Contains("Top-1 against the time of training", page, StringComparison.Ordinal);
        Assert.Contains("- Best for their MACs", MarkdownReport.Write(report), StringComparison.Ordinal);
        Assert.Equal("PNG"u8, FrontierPicture.Draw(report).AsSpan(1, 3));
    }

    /// <summary>
    /// Networks that are as right as each other, and as quick with an image: one of them stops an epoch earlier, after 2 seconds of 4.
    /// </summary>
    [Fact]
    public void A_network_that_stopped_early_took_less_time_to_train()
    {
        var report = Report(seconds: (run, epoch) => run.Network.Id == "xsep-w1" ? epoch == 1 ? 2 : 0 : 2);
        var training = Frontier.Of(report)[2];
        Assert.Equal("time of training", training.Cost);
        Assert.Equal(["xsep-w1"], training.Networks.Select(network => network.Network.Id));
        Assert.Equal([4, 4, 2, 4], report.Networks.Select(network => Frontier.MeanTrainingSeconds(network)));

        // A time that is not wholly known is none.
        report = Report(networks: 6, seconds: (run, epoch) => run.Network.Id == "xsep-w1" && epoch == 1 ? null : 2);
        Assert.Equal(["MACs", "latency in the runtime"], Frontier.Of(report).Select(frontier => frontier.Cost));
        Assert.Null(Frontier.MeanTrainingSeconds(report.Networks[2]));
    }

    /// <summary>One of twelve runs had half a core where both were busy: its network's time is no time to compare.</summary>
    [Fact]
    public void The_time_of_a_starved_network_is_not_compared()
    {
        var report = Report(measured: run => new(
            null, null, run is { Network.Id: "depthwise-w1", Seed: 2 } ? new(20, 10, 38, 2) : new(20, 19, 38, 2)));
        Assert.Equal(["MACs", "latency in the runtime"], Frontier.Of(report).Select(frontier => frontier.Cost));
        Assert.DoesNotContain("Top-1 against the time of training", HtmlReport.Write(report), StringComparison.Ordinal);
        Assert.Contains(
            ReportText.Cautions(report), text => text.StartsWith(
                "1 of 12 runs had 0.50 cores for 1 thread where 1.90 of 2 were busy (depthwise twin ×1): ", StringComparison.Ordinal));
    }

    [Fact]
    public void Many_networks_have_a_row_each()
    {
        var tables = ReportTable.Figures(Report(8));
        Assert.Equal(2, tables.Count);
        Assert.All(tables, table => Assert.Equal(8, table.Rows.Count));
        Assert.Equal(["top-1 on test images", "cross-entropy", "parameters", "MACs of an image"], tables[0].Heads);
        Assert.All(tables[0].Rows, row => Assert.False(row.Measured));
        Assert.All(tables[1].Rows, row => Assert.True(row.Measured));
        Assert.Equal(("XSepConv ×0.5", "75.00 ± 12.50 %"), (tables[0].Rows[0].Name, tables[0].Rows[0].Cells[0]));
        Assert.Equal(["seed 0", "seed 1", "seed 2"], ReportTable.Seeds(Report(8)).Heads);
    }

    [Fact]
    public void One_seed_is_said_once_to_allow_no_test()
    {
        var line = Assert.Single(ReportText.Verdicts(Report(8, seeds: 1)));
        Assert.Equal("Not tested: one seed allows no test; two or more do.", line);
        Assert.Equal(4, ReportText.Verdicts(Report(8)).Count());
    }

    [Fact]
    public void Two_networks_leave_nothing_to_choose()
    {
        var report = HandMade.Report(_folder, HandMade.Manifest());
        Assert.False(report.IsGrid);
        Assert.Empty(Frontier.Of(report));
        Assert.Single(ReportTable.Figures(report));
    }

    private ComparisonReport Report(
        int networks = 4, int seeds = 3, Func<ComparedRun, int, double?>? seconds = null,
        Func<ComparedRun, RunMeasurements>? measured = null)
    {
        var manifest = HandMade.Manifest(seeds);
        double[] widths = [.. Enumerable.Range(1, networks / 2).Select(i => i / 2.0)];
        var (xsep, depthwise) = (manifest.Networks[0].Spec, manifest.Networks[1].Spec);
        manifest = manifest with { Networks = ComparedNetwork.Twins((_, _) => (xsep, depthwise), widths, []) };
        return ComparisonReport.Of(
            HandMade.Write(Path.Combine(_folder, $"{networks}-{seeds}"), manifest, null, seconds, measured), manifest,
            [.. Enumerable.Range(1, networks).Select(i => new Latency(4 * i, 2 * i, i))]);
    }
}
