using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace XSepConv.Core.Tests.Documentation;

public sealed partial class ReadmeTests
{
    private static string Readme { get; } = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    [Theory]
    [InlineData("training step", "of libtorch", "stage-train", "depthwise")]
    [InlineData("training step", "on our kernels", "stage-train", "depthwise-fused")]
    [InlineData("inference", "of libtorch", "stage-eval", "depthwise")]
    [InlineData("inference", "of ONNX Runtime", "stage-eval", "onnxruntime")]
    public void A_stage_s_ratios_are_those_of_the_committed_results(string pass, string against, string work, string contestant)
    {
        var shown = Readme.Split('\n').Single(line => line.StartsWith($"| {pass} | {against} |", StringComparison.Ordinal));
        var path = Regex.Match(Readme, @"benchmarks/results/[^/]+/kernels").Value;
        using var report = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, $"{path}.json")));
        var measured = report.RootElement.GetProperty("results").EnumerateArray().Where(result =>
            result.GetProperty("work").GetString() == work && result.GetProperty("shape").GetString() == "16x192x28x28").ToList();
        var quotients = new[] { 5, 9, 15, 31 }.Select(kernel =>
        {
            var ms = measured.Single(result => result.GetProperty("kernel").GetInt32() == kernel).GetProperty("ms");
            var quotient = ms.GetProperty(contestant).GetDouble() / ms.GetProperty("fused").GetDouble();
            return quotient.ToString(quotient < 9.95 ? "0.0" : "0", CultureInfo.InvariantCulture);
        });

        Assert.Equal($"| {pass} | {against} | {string.Join(" | ", quotients)} |", shown);
    }

    [Theory]
    [InlineData("net-train", "64", "twin-nchw/fused", "is {0} × as fast as the twin's in libtorch's default layout")]
    [InlineData("net-train", "64", "twin/fused", "{0} × in channels-last")]
    [InlineData("net-train", "64", "twin-fused/fused", "and {0} × as fast as the twin's on our kernels")]
    [InlineData("net-eval", "1", "onnxruntime/compiled", "one image at inference is {0} × as fast as in ONNX Runtime")]
    [InlineData("net-eval", "1", "twin/compiled", "and {0} × as fast as the twin.")]
    public void A_network_s_ratios_are_those_of_the_committed_results(string work, string batch, string ratio, string sentence)
    {
        var row = RatiosTable.Of(work).Single(row => row["model"] == "xsep" && row["batch"] == batch && row["K"] == "–");

        Assert.Contains(sentence.Replace("{0}", row[ratio]), Readme.Replace('\n', ' '));
    }

    [Fact]
    public void The_machine_and_the_versions_are_those_of_the_committed_results()
    {
        Assert.All(["AMD EPYC, family 25 model 1,", "2 logical processors", "256-bit vectors", ".NET 10.0.12, TorchSharp 0.107.0"], fact =>
        {
            Assert.Contains(fact, RatiosTable.Text);
            Assert.Contains(fact, Readme);
        });
    }

    [Fact]
    public void The_accuracies_are_those_of_the_results()
    {
        // XSepConv's, then the twin's: each sentence is about a row.
        (string Sentence, string Row)[] claims =
        [
            ("Fashion-MNIST: {0} and {1} top-1, no difference shown", "Fashion-MNIST, two cores, 3 seeds, 18 epochs"),
            ("with another recipe {0} and {1}, the twin is better", "Fashion-MNIST, H100, 3 seeds, 18 epochs, lower rate"),
            ("JPEG copies of CIFAR-10, seven epochs: {0} and {1} with kernels of 5 and 3",
                "CIFAR-10, JPEG copies, K = 5 and 3, width 0.5, 3 seeds, 7 epochs"),
            ("{0} and {1} with 9", "CIFAR-10, JPEG copies, K = 9, width 0.5, 3 seeds, 7 epochs"),
        ];
        var results = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "results.md"));
        Assert.Contains("| top-1 on test images | XSepConv | depthwise twin | difference |", results);
        Assert.All(claims, claim =>
        {
            var row = results.Single(line => line.StartsWith($"| {claim.Row}", StringComparison.Ordinal));
            var cells = row.Split('|', StringSplitOptions.TrimEntries);
            Assert.Contains(string.Format(CultureInfo.InvariantCulture, claim.Sentence, cells[2], cells[3]), Readme);
        });

        // There are no others; those of the quick start are of made-up images.
        var speed = Readme[Readme.IndexOf("## Speed", StringComparison.Ordinal)..];
        Assert.Equal(2 * claims.Length, Accuracies().Count(speed));
    }

    [Fact]
    public void The_counts_in_the_quick_start_are_those_of_its_networks()
    {
        var options = new MobileNetV3Options { NumClasses = 10, Preset = ImagePreset.Cifar, Width = 0.5 };
        using var network = new XSepMobileNetV3Small(options);
        using var twin = new MobileNet(MobileNetV3SmallSpec.Twin(options));
        var (ours, theirs) = (ModelProfile.Of(network, 1, 3, 32, 32), ModelProfile.Of(twin, 1, 3, 32, 32));

        Assert.Matches(string.Create(CultureInfo.InvariantCulture, $@"parameters +{ours.Parameters:N0} +{theirs.Parameters:N0}"), Readme);
        Assert.Matches(string.Create(CultureInfo.InvariantCulture, $@"MACs of an image +{ours.Macs:N0} +{theirs.Macs:N0}"), Readme);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(9)]
    public void The_drawing_has_the_paper_s_arithmetic(int k)
    {
        var drawing = Drawing().Match(Readme).Value;
        var columns = DrawnCounts().Matches(drawing).Select(match => match.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();
        var column = Array.IndexOf(["5", "7", "9"], $"{k}");

        Assert.Equal(3, columns.Count);
        Assert.Equal([$"{k}", $"{k * k}", $"{4 + 2 * k}"], columns.Select(row => row[column]));
    }

    [GeneratedRegex(@"\d\d\.\d\d ± \d\.\d\d %")]
    private static partial Regex Accuracies();

    [GeneratedRegex("^```text\nK×K.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Drawing();

    // Three numbers at the end of a line of the drawing: K, K² and 4 + 2K.
    [GeneratedRegex(@"\d+ +\d+ +\d+$", RegexOptions.Multiline)]
    private static partial Regex DrawnCounts();
}
