using System.Text.Json;

namespace XSepConv.Training.Tests.Comparison;

[Collection(TorchTests.Name)]
public sealed class ReportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_json_says_what_hand_made_runs_come_to()
    {
        var report = JsonDocument.Parse(JsonReport.Write(HandMade.Report(_folder.Path, HandMade.Manifest()))).RootElement;
        var (first, second) = (report.GetProperty("networks")[0], report.GetProperty("networks")[1]);

        // 6, 7 and 5 of 8: mean 3/4, deviations 0, 1/8, −1/8, so s² = (2/64) / 2.
        Assert.Equal(
            [0.75, 0.875, 0.625], first.GetProperty("top1").GetProperty("values").EnumerateArray().Select(value => value.GetDouble()));
        Assert.Equal(0.75, first.GetProperty("top1").GetProperty("mean").GetDouble());
        Assert.Equal(0.125, first.GetProperty("top1").GetProperty("sd").GetDouble(), 1e-15);

        // 5, 4 and 5 of 8.
        Assert.Equal(14 / 24.0, second.GetProperty("top1").GetProperty("mean").GetDouble(), 1e-15);
        Assert.Equal([1, 1.5, 2], first.GetProperty("loss").GetProperty("values").EnumerateArray().Select(value => value.GetDouble()));

        // Seeds together, class by class: of 12 images of class 0 the first network takes 9 for 0, of class 1 it takes 9 for 1.
        Assert.Equal("[[9,3],[3,9]]", Compact(first.GetProperty("confusion")));
        Assert.Equal("[[6,6],[4,8]]", Compact(second.GetProperty("confusion")));

        // Differences 1/8, 3/8, 0: mean 1/6; their spread is worked out below.
        double[] differences = [0.125, 0.375, 0];
        var mean = 1 / 6.0;
        var error = Math.Sqrt(differences.Sum(value => (value - mean) * (value - mean)) / 2 / 3);
        var test = report.GetProperty("tests")[0];
        Assert.Equal(("xsep", "depthwise"), (test.GetProperty("first").GetString(), test.GetProperty("second").GetString()));
        Assert.Equal(mean, test.GetProperty("pairedT").GetProperty("meanDifference").GetDouble(), 1e-15);
        Assert.Equal(mean / error, test.GetProperty("pairedT").GetProperty("t").GetDouble(), 1e-12);

        // Seed 0: images 1 and 2 only the first, image 7 only the second.
        Assert.Equal(
            (2, 1),
            (test.GetProperty("mcNemar")[0].GetProperty("onlyFirstRight").GetInt32(),
                test.GetProperty("mcNemar")[0].GetProperty("onlySecondRight").GetInt32()));

        var measured = first.GetProperty("measured");
        Assert.Equal(300_000_002, measured.GetProperty("peakMemoryBytes").GetInt64());
        Assert.Equal(200_000_002, measured.GetProperty("trainingMemoryBytes").GetInt64());

        // 101, 102, 111, 112, 121, 122.
        Assert.Equal(111.5, measured.GetProperty("imagesPerSecond").GetDouble());
        Assert.Equal(12, measured.GetProperty("trainingSeconds").GetDouble());
        Assert.Equal("""{"libtorch":4,"module":2,"runtime":1}""", Compact(measured.GetProperty("latencyMilliseconds")));
        Assert.Equal(
            """{"libtorch":8,"module":4,"runtime":2}""", Compact(second.GetProperty("measured").GetProperty("latencyMilliseconds")));
    }

    // The lines of a log that was lost come back without times: they did not take 0 seconds.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_training_time_that_is_not_wholly_known_is_none(bool onlyOneEpoch)
    {
        var manifest = HandMade.Manifest();
        var folder = HandMade.Write(_folder.Path, manifest, seconds: (run, epoch) =>
            run.Network.Id == "xsep" && (!onlyOneEpoch || (run.Seed == 1 && epoch == 1)) ? null : 2);
        var report = JsonDocument.Parse(JsonReport.Write(ComparisonReport.Of(folder, manifest, [new(4, 2, 1), new(8, 4, 2)]))).RootElement;
        var (first, second) = (report.GetProperty("networks")[0], report.GetProperty("networks")[1]);
        Assert.Equal(JsonValueKind.Null, first.GetProperty("measured").GetProperty("trainingSeconds").ValueKind);
        Assert.Equal(12, second.GetProperty("measured").GetProperty("trainingSeconds").GetDouble());
        Assert.Equal(JsonValueKind.Null, report.GetProperty("measured").GetProperty("trainingSeconds").ValueKind);
    }

    [Fact]
    public void The_training_time_of_all_is_the_sum_over_the_networks()
    {
        var report = JsonDocument.Parse(JsonReport.Write(HandMade.Report(_folder.Path, HandMade.Manifest()))).RootElement;
        Assert.Equal(24, report.GetProperty("measured").GetProperty("trainingSeconds").GetDouble());
    }

    [Fact]
    public void The_notes_network_has_the_notes_parameters_and_multiply_accumulates()
    {
        var spec = MobileNetV3SmallSpec.XSep();
        var names = Enumerable.Range(0, 1000).Select(i => $"{i}").ToList();
        var manifest = HandMade.Manifest(seeds: 1) with
        {
            Networks = [new("xsep", "XSepConv", "XSepConv", spec, null)],
            Data = HandMade.Manifest().Data with { ClassNames = names, Height = 224, Width = 224 },
        };
        var network = HandMade.Report(_folder.Path, manifest).Networks.Single();
        Assert.Equal((2_889_512, 58_004_384), (network.Parameters, network.Macs));
        Assert.Equal((0, 0), network.Shift);
    }

    [Fact]
    public void What_is_left_of_the_shifts_is_told_in_input_pixels()
    {
        // Four layers at stride 16 and two at 32, each half a pixel to the left and up: −½ · (4 · 16 + 2 · 32).
        var spec = MobileNetV3SmallSpec.XSep() with { PaddingStrategy = PaddingStrategy.RightBottom };
        var manifest =
            HandMade.Manifest(seeds: 1) with { Networks = [new("xsep", "right-bottom", "x", spec with { NumClasses = 2 }, null)] };
        var network = HandMade.Report(_folder.Path, manifest).Networks.Single();
        Assert.Equal((-64, -64), network.Shift);
        Assert.Equal("−64, −64 px", ReportText.Shift(network.Shift));
    }

    [Fact]
    public void One_seed_has_no_deviation_and_no_test_and_says_so()
    {
        var report = HandMade.Report(_folder.Path, HandMade.Manifest(seeds: 1));
        var json = JsonDocument.Parse(JsonReport.Write(report)).RootElement;
        Assert.Equal(JsonValueKind.Null, json.GetProperty("networks")[0].GetProperty("top1").GetProperty("sd").ValueKind);
        Assert.Equal(JsonValueKind.Null, json.GetProperty("tests")[0].GetProperty("pairedT").GetProperty("p").ValueKind);
        foreach (var text in new[] { MarkdownReport.Write(report), HtmlReport.Write(report).Split("base64,")[0], JsonReport.Write(report) })
        {
            Assert.Contains("one seed allows no test", text, StringComparison.Ordinal);
            Assert.DoesNotContain("NaN", text, StringComparison.Ordinal);
        }

        Assert.Contains("75.00 %", MarkdownReport.Write(report), StringComparison.Ordinal);
        Assert.DoesNotContain("±", ReportTable.Figures(report)[0].Rows[0].Cells[0], StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_asks_for_nothing_and_takes_no_text_for_HTML()
    {
        const string Hostile = "<script>alert('1')</script>\"&";
        var report = HandMade.Report(
            _folder.Path, HandMade.Manifest(command: $"xsepconv compare --out '{Hostile}'", classes: [Hostile, "right"]) with
            {
                Settings = new(StringComparer.Ordinal) { [Hostile] = Hostile },
            });
        report =
            report with
            {
                Networks = [.. report.Networks.Select(network =>
                network with { Network = network.Network with { Label = Hostile } })]
            };
        var page = HtmlReport.Write(report);

        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&quot;&amp;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("url(", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("@import", page, StringComparison.OrdinalIgnoreCase);
        foreach (var attribute in new[] { "src=\"", "srcset=\"" })
        {
            var pieces = page.Split(attribute);
            Assert.True(pieces.Length >= 7, $"{pieces.Length - 1} pictures with {attribute}");
            Assert.All(pieces.Skip(1), piece => Assert.StartsWith("data:image/png;base64,iVBOR", piece, StringComparison.Ordinal));
        }

        Assert.EndsWith("</html>\n", page, StringComparison.Ordinal);
        var markdown = MarkdownReport.Write(report);
        Assert.DoesNotContain(
            "<script", markdown.Replace(report.Manifest.Command, "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Differences_carry_their_sign()
    {
        Assert.Equal("+1.50", ReportText.Points(0.015));
        Assert.Equal("−0.25", ReportText.Points(-0.0025));
        Assert.Equal("0.00", ReportText.Points(-0.00001));
        Assert.Equal("< 0.0001", ReportText.P(1e-7));
        Assert.Equal("p < 0.0001", ReportText.PIs(1e-7));
        Assert.Equal("p = 0.0310", ReportText.PIs(0.031));
        Assert.Equal("–", ReportText.P(null));
    }

    /// <summary>
    /// By hand: differences 1/8, 3/8, 0, so mean 1/6 and standard error √((1/24² + 5/24² + 4/24²) / 2 / 3) = √(42 / 576 / 6) = 0.11024; t
    /// of two degrees of freedom is 4.3027 at 97.5 %, so ±0.4743: −30.8 to +64.1 points.
    /// </summary>
    [Fact]
    public void The_verdict_says_first_in_words_that_no_difference_is_shown_and_how_large_one_could_be()
    {
        var report = HandMade.Report(_folder.Path, HandMade.Manifest());
        var verdict = ReportText.Verdict(report.Tests.Single());
        Assert.StartsWith(
            "No difference shown: +16.7 points, could be −30.8 to +64.1. XSepConv reaches 75.00 ± 12.50 % top-1, ", verdict,
            StringComparison.Ordinal);
        Assert.Contains("over 3 seeds", verdict, StringComparison.Ordinal);
        Assert.Contains($"<div class=\"verdicts\">\n<p>No difference shown", HtmlReport.Write(report), StringComparison.Ordinal);
        Assert.Contains("\n- No difference shown", MarkdownReport.Write(report), StringComparison.Ordinal);
    }

    /// <summary>
    /// Differences of 1 and 1.2 points: mean 1.1, standard error 0.1, t = 11, and one degree of freedom has 12.706 at 97.5 %: −0.2 to +2.4.
    /// Of 1, 1.2 and 1.1 points: standard error 0.1 / √3 = 0.0577, two degrees have 4.3027: 0.9 to 1.3.
    /// </summary>
    [Fact]
    public void The_verdict_says_which_is_better_where_the_interval_leaves_out_0()
    {
        Assert.StartsWith(
            "No difference shown: +1.1 points, could be −0.2 to +2.4. ", Verdict([0.61, 0.612], [0.6, 0.6]), StringComparison.Ordinal);
        Assert.StartsWith(
            "XSepConv is better than depthwise twin: +1.1 points, could be +0.9 to +1.3. ", Verdict([0.61, 0.612, 0.611], [0.6, 0.6, 0.6]),
            StringComparison.Ordinal);
        Assert.StartsWith(
            "XSepConv is worse than depthwise twin: −1.1 points, could be −1.3 to −0.9. ", Verdict([0.6, 0.6, 0.6], [0.61, 0.612, 0.611]),
            StringComparison.Ordinal);
        Assert.StartsWith("Not tested: one seed allows no test; two or more do. ", Verdict([0.61], [0.6]), StringComparison.Ordinal);
        Assert.EndsWith(": +1.0 point.", Verdict([0.61], [0.6]), StringComparison.Ordinal);

        string Verdict(double[] first, double[] second)
        {
            var test = HandMade.Report(_folder.At($"{first.Length}{first[0]}"), HandMade.Manifest(first.Length)).Tests.Single();
            return ReportText.Verdict(test with { Top1 = PairedTest.Of(first, second) });
        }
    }

    [Fact]
    public void Images_that_are_made_up_are_said_to_tell_nothing()
    {
        var report = HandMade.Report(_folder.Path, HandMade.Manifest());
        const string Expected = "by hand is synthetic: images that are made up can't tell which operator is better.";
        foreach (var text in new[] { MarkdownReport.Write(report),
            HtmlReport.Write(report).Replace("&#x27;", "'", StringComparison.Ordinal) })
        {
            Assert.Contains(Expected, text, StringComparison.Ordinal);
        }

        report = report with { Manifest = report.Manifest with { Data = report.Manifest.Data with { Synthetic = false } } };
        Assert.DoesNotContain(ReportText.Cautions(report), text => text.Contains("synthetic", StringComparison.Ordinal));
    }

    /// <summary>
    /// Eight images of two classes, four of each: guesses get 50 %, ± two standard errors of √(0.5 · 0.5 / 8) = 0.17678 each, so up to 85.4
    /// % is chance. Of eight images with six of one class, 75 % are right without looking.
    /// </summary>
    [Fact]
    public void Networks_that_guess_are_said_to_be_at_chance()
    {
        var report = HandMade.Report(_folder.Path, HandMade.Manifest());
        var network = report.Networks[0];
        Assert.True((network with { Top1 = SampleStatistics.Of([0.853]) }).IsAtChance);
        Assert.False((network with { Top1 = SampleStatistics.Of([0.854]) }).IsAtChance);
        Assert.Equal(0.75, (network with { Confusion = [[10, 8], [3, 3]] }).Chance);
        Assert.Contains(
            ReportText.Cautions(report), text => text.StartsWith(
                "XSepConv and depthwise twin are both at chance: 50.00 %", StringComparison.Ordinal));

        var learned = report.Tests[0] with { First = network with { Top1 = SampleStatistics.Of([0.9]) } };
        Assert.DoesNotContain(
            ReportText.Cautions(report with { Tests = [learned] }), text => text.Contains("at chance", StringComparison.Ordinal));
    }

    /// <summary>
    /// A run that computes for 10 of its 20 seconds had half a core; programs that compute for 38 seconds meanwhile keep 1.9 cores busy.
    /// </summary>
    [Theory]
    [InlineData(10, 38, "0.50", "1.90", true)]
    [InlineData(19, 38, "0.95", "1.90", false)]
    [InlineData(10, 20, "0.50", "1.00", false)]
    public void Runs_say_how_fast_they_were_and_what_they_had_of_a_machine_that_others_use(
        double own, double all, string cores, string busy, bool crowded)
    {
        var manifest = HandMade.Manifest();
        var folder = HandMade.Write(_folder.Path, manifest, new(20, own, all, 2));
        var report = ComparisonReport.Of(folder, manifest, [new(4, 2, 1), new(8, 4, 2)]);

        var measured = JsonDocument.Parse(JsonReport.Write(report)).RootElement.GetProperty("networks")[0].GetProperty("measured");

        // Epochs of 100 + 10 · seed + 1 and + 2 images a second.
        Assert.Equal(
            [101.5, 111.5, 121.5],
            measured.GetProperty("runs").EnumerateArray().Select(run => run.GetProperty("imagesPerSecond").GetDouble()));
        Assert.All(measured.GetProperty("runs").EnumerateArray(), run => Assert.Equal(
            (own / 20, all / 20, 2),
            (run.GetProperty("cores").GetDouble(), run.GetProperty("busyCores").GetDouble(), run.GetProperty("machineCores").GetInt32())));
        Assert.Equal([cores, cores, "1.00×"], ReportTable.Figures(report)[0].Rows.Single(row => row.Name == "cores a run had").Cells);
        Assert.EndsWith($"one at a time, {busy} of 2 cores busy meanwhile", ReportText.Measured(report), StringComparison.Ordinal);
        Assert.Equal(
            crowded,
            ReportText.Cautions(report).Any(text => text.StartsWith(
                $"6 of 6 runs had {cores} cores for 1 thread where {busy} of 2 were busy (XSepConv, depthwise twin): ",
                StringComparison.Ordinal)));
    }

    /// <summary>Of the second network's seeds one had half a core: the median over all runs is that of those that had one.</summary>
    [Fact]
    public void A_network_with_a_starved_run_is_named()
    {
        var manifest = HandMade.Manifest(seeds: 2);
        var folder = HandMade.Write(_folder.Path, manifest, measured: run => new(
            null, null, run is { Network.Id: "depthwise", Seed: 1 } ? new(40, 20, 76, 2) : new(20, 20, 40, 2)));
        var report = ComparisonReport.Of(folder, manifest, [new(4, 2, 1), new(8, 4, 2)]);
        Assert.Equal(["depthwise twin"], report.Networks.Where(network => network.Starved(1) > 0).Select(network => network.Network.Label));
        Assert.StartsWith(
            "1 of 4 runs had 0.50 cores for 1 thread where 1.90 of 2 were busy (depthwise twin): ",
            ReportText.Cautions(report).Single(text => text.Contains("busy", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "3 seeds, 2 epochs each.")]
    [InlineData(30, "3 seeds, at most 30 epochs each.")]
    public void Runs_that_stopped_early_had_fewer_epochs(int epochs, string expected)
    {
        var manifest = HandMade.Manifest();
        manifest = manifest with { Training = manifest.Training.By(recipe => recipe with { Epochs = epochs, Patience = 1 }) };
        var report = HandMade.Report(_folder.Path, manifest);
        foreach (var text in new[] { MarkdownReport.Write(report), HtmlReport.Write(report) })
        {
            Assert.Contains(expected, text, StringComparison.Ordinal);
        }
    }

    /// <summary>The report is written where it is asked for; times are from where the runs were.</summary>
    [Fact]
    public void Each_machine_that_trained_is_named()
    {
        var now = MachineReport.Now();
        var (first, second) = (
            now with { Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), Processor = "A cpu", Kernel = "avx2" },
            now with { Time = new(2026, 1, 3, 3, 4, 5, TimeSpan.Zero), Processor = "Another cpu" });
        Assert.Contains("XSepConv ", now.Versions, StringComparison.Ordinal);

        // Here and now, as ever.
        var here = Report("here", _ => [now]);
        Assert.StartsWith($"{now.Time.Year}-", ReportText.Measured(here), StringComparison.Ordinal);
        Assert.Contains(now.Processor, ReportText.Measured(here), StringComparison.Ordinal);
        Assert.DoesNotContain(ReportText.Cautions(here), text => text.Contains("machine", StringComparison.Ordinal));

        // Elsewhere, all at one place.
        var there = Report("there", _ => [first]);
        var text = ReportText.Measured(there);
        Assert.StartsWith("latencies ", text, StringComparison.Ordinal);
        Assert.Contains("; runs 2026-01-02 03:04 UTC, A cpu, ", text, StringComparison.Ordinal);
        Assert.EndsWith("one at a time", text, StringComparison.Ordinal);
        Assert.DoesNotContain(ReportText.Cautions(there), caution => caution.Contains("machines", StringComparison.Ordinal));
        Assert.Equal(
            "A cpu",
            JsonDocument.Parse(JsonReport.Write(there)).RootElement.GetProperty("networks")[0].GetProperty("measured")
                .GetProperty("runs")[0].GetProperty("machines")[0].GetProperty("processor").GetString());

        // One after the other.
        var both = Report("both", run => run.Seed == 0 ? [first] : [first, second]);
        text = ReportText.Measured(both);
        Assert.Contains("; 6 runs 2026-01-02 03:04 UTC, A cpu, ", text, StringComparison.Ordinal);
        Assert.Contains("; 4 runs 2026-01-03 03:04 UTC, Another cpu, ", text, StringComparison.Ordinal);
        Assert.Contains(
            ReportText.Cautions(both), caution => caution.StartsWith(
                "Runs were trained on 2 machines, or with other versions or kernels", StringComparison.Ordinal));
        Assert.False(both.HasTrainingTimes);

        // Runs of a version that did not note it.
        var unknown = Report("unknown", _ => null);
        Assert.Contains("; runs on a machine that was not noted", ReportText.Measured(unknown), StringComparison.Ordinal);

        ComparisonReport Report(string name, Func<ComparedRun, IReadOnlyList<MachineReport>?> machines)
        {
            var manifest = HandMade.Manifest();
            var folder = HandMade.Write(_folder.At(name), manifest, measured: run => new(null, null, null, machines(run)));
            return ComparisonReport.Of(folder, manifest, [new(4, 2, 1), new(8, 4, 2)]) with { Machine = now };
        }
    }

    [Fact]
    public void Measurements_of_before_are_read()
    {
        var manifest = HandMade.Manifest(seeds: 1);
        var folder = HandMade.Write(_folder.Path, manifest);
        var run = manifest.Runs.First();
        File.WriteAllText(Path.Combine(folder.RunPath(run), "measured.json"), """{"peakBytes":1000,"startBytes":1}""");
        Assert.Equal(new(1000, 1), folder.Measurements(run));
    }

    [Fact]
    public void A_run_that_was_continued_had_what_both_processes_had()
    {
        var load = new RunLoad(30, 15, 60, 2).After(new(10, 10, 20, 2));

        Assert.Equal(new RunLoad(40, 25, 80, 2), load);
        Assert.Equal((0.625, 2.0), (load.Cores, load.BusyCores));
        Assert.Null(new RunLoad(30, 15, null, null).After(new(10, 10, 20, 2)).BusyCores);
    }

    [Fact]
    public void Costs_begin_at_0_and_each_latency_has_a_mark_of_its_own()
    {
        var report = HandMade.Report(_folder.Path, HandMade.Manifest());
        List<LegendEntry> legend = [];
        using var macs = new ScottPlot.Plot();
        CostCharts.Macs(macs, report, legend);
        Assert.Equal(0, macs.Axes.GetLimits().Left);
        Assert.True(macs.Axes.GetLimits().Right > report.Networks.Max(network => network.Macs / 1e6));

        // 10 % each, as of networks that guess: from 9 to 11 at least.
        var same = SampleStatistics.Of([0.1, 0.1, 0.1]);
        using var equal = new ScottPlot.Plot();
        CostCharts.Macs(
            equal, report with { Networks = [.. report.Networks.Select(network => network with { Top1 = same })] }, []);
        Assert.True(equal.Axes.GetLimits() is { Bottom: <= 9, Top: >= 11 });

        using var times = new ScottPlot.Plot();
        legend = [];
        CostCharts.Latency(times, report, legend);
        Assert.Equal(0, times.Axes.GetLimits().Left);
        Assert.Equal(
            ["libtorch alone ring", "module square", "runtime dot"],
            legend.Take(3).Select(entry => $"{entry.Name.Split(", ")[1]} {entry.Mark}"));
    }

    /// <summary>Training losses of 2.5 and 1.5 stand at log₁₀ of them: 0.39794 and 0.17609.</summary>
    [Fact]
    public void The_loss_has_a_log_axis()
    {
        using var plot = new ScottPlot.Plot();
        ReportCharts.Loss(plot, HandMade.Report(_folder.Path, HandMade.Manifest()), []);
        var line = plot.GetPlottables<ScottPlot.Plottables.Scatter>().First();
        Assert.Equal([0.39794, 0.17609], line.Data.GetScatterPoints().Select(point => Math.Round(point.Y, 5)));
        Assert.Contains("log", plot.Axes.Left.Label.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.03, 20, new[] { 0.1, 1, 10 })]
    [InlineData(0.3, 2.4, new[] { 0.5, 1, 2 })]
    [InlineData(1.4, 3.5, new[] { 1.5, 2, 3 })]
    [InlineData(2.281, 2.312, new[] { 2.29, 2.3, 2.31 })]
    public void A_log_axis_has_three_round_values_or_more(double low, double high, double[] expected) =>
        Assert.Equal(expected, LogAxis.Ticks(low, high).Select(value => Math.Round(value, 9)));

    [Fact]
    public void Hashes_lie_under_a_fold()
    {
        var report = HandMade.Report(_folder.Path, HandMade.Manifest() with
        {
            Settings = new(StringComparer.Ordinal) { ["epochs"] = "3", ["test images"] = "8 of 3×16×16, 0123456789abcdef" },
        });
        var page = HtmlReport.Write(report);
        var fold = page[page.IndexOf("<details>", StringComparison.Ordinal)..page.IndexOf("</details>", StringComparison.Ordinal)];
        Assert.Contains("0123456789abcdef", fold, StringComparison.Ordinal);
        Assert.DoesNotContain("epochs", fold, StringComparison.Ordinal);
        Assert.Equal(2, page.Split("0123456789abcdef").Length);
    }

    private static string Compact(JsonElement element) => JsonSerializer.Serialize(element);
}
