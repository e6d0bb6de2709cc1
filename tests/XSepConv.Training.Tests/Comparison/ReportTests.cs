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
        Assert.Equal([0.75, 0.875, 0.625], first.GetProperty("top1").GetProperty("values").EnumerateArray().Select(value => value.GetDouble()));
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
        Assert.Equal((2, 1), (test.GetProperty("mcNemar")[0].GetProperty("onlyFirstRight").GetInt32(), test.GetProperty("mcNemar")[0].GetProperty("onlySecondRight").GetInt32()));

        var measured = first.GetProperty("measured");
        Assert.Equal(300_000_002, measured.GetProperty("peakMemoryBytes").GetInt64());
        Assert.Equal(200_000_002, measured.GetProperty("trainingMemoryBytes").GetInt64());

        // 101, 102, 111, 112, 121, 122.
        Assert.Equal(111.5, measured.GetProperty("imagesPerSecond").GetDouble());
        Assert.Equal(12, measured.GetProperty("trainingSeconds").GetDouble());
        Assert.Equal("""{"libtorch":4,"module":2,"runtime":1}""", Compact(measured.GetProperty("latencyMilliseconds")));
        Assert.Equal("""{"libtorch":8,"module":4,"runtime":2}""", Compact(second.GetProperty("measured").GetProperty("latencyMilliseconds")));
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
        var manifest = HandMade.Manifest(seeds: 1) with { Networks = [new("xsep", "right-bottom", "x", spec with { NumClasses = 2 }, null)] };
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
        Assert.DoesNotContain("±", ReportTable.Of(report)[0].Cells[0], StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_asks_for_nothing_and_takes_no_text_for_HTML()
    {
        const string Hostile = "<script>alert('1')</script>\"&";
        var report = HandMade.Report(_folder.Path, HandMade.Manifest(command: $"xsepconv compare --out '{Hostile}'", classes: [Hostile, "right"]) with
        {
            Settings = new(StringComparer.Ordinal) { [Hostile] = Hostile },
        });
        report = report with { Networks = [.. report.Networks.Select(network => network with { Network = network.Network with { Label = Hostile } })] };
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
        Assert.DoesNotContain("<script", markdown.Replace(report.Manifest.Command, "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
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

    private static string Compact(JsonElement element) => JsonSerializer.Serialize(element);
}
