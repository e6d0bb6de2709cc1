using System.Text.Json;

namespace XSepConv.Cli.Tests;

[Collection(typeof(FinishedRunTests))]
public sealed class TrainingProfileTests(FinishedRun finished)
{
    // Counted in ProfileTests for 1×3×224×224; the stem's are 9 · 3 values for each of 16 channels at 112×112 places.
    private const long Macs = 58_004_384, StemMacs = 9 * 3 * 16 * 112 * 112;

    private static readonly string[] s_names =
        ["conv1 + bn1", .. Enumerable.Range(0, 11).Select(i => $"bneck.{i}"), "conv2 + bn2", "linear3 + bn3 + linear4", "loss"];

    [Fact]
    public async Task Every_block_is_named_and_the_sums_agree()
    {
        // A process of its own: what other tests allocate would count as kept.
        var (exitCode, output, error) = await ToolProcess.Run("profile", "--training", "--batch", "2", "--image-size", "224", "--json");

        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        var report = JsonDocument.Parse(Here.SingleLine(output)).RootElement;
        Assert.True(report.GetProperty("training").GetBoolean());
        Assert.Equal("[2,3,224,224]", report.GetProperty("input").GetRawText());
        var layers = report.GetProperty("layers").EnumerateArray().ToArray();
        Assert.Equal(s_names, layers.Select(layer => layer.GetProperty("name").GetString()));
        Assert.Equal(
            [.. Enumerable.Repeat("block", 13), "composed", "composed"], layers.Select(layer => layer.GetProperty("runsAs").GetString()));

        // Backward: the gradient of the weights and, the images' apart, of what comes in.
        Assert.Equal(2 * Macs, report.GetProperty("macs").GetInt64());
        Assert.Equal(2 * ((3 * Macs) - StemMacs), report.GetProperty("trainingMacs").GetInt64());
        Assert.Equal(2 * 2 * StemMacs, layers[0].GetProperty("trainingMacs").GetInt64());
        Assert.Equal(report.GetProperty("macs").GetInt64(), layers.Sum(layer => layer.GetProperty("macs").GetInt64()));

        static double Time(JsonElement layer) =>
            layer.GetProperty("forwardMilliseconds").GetDouble() + layer.GetProperty("backwardMilliseconds").GetDouble();
        var sum = layers.Sum(Time);
        Assert.Equal(
            report.GetProperty("milliseconds").GetDouble() - sum, report.GetProperty("outsideMilliseconds").GetDouble(), 1e-6 * sum);
        Assert.All(layers, layer =>
        {
            Assert.True(layer.GetProperty("forwardMilliseconds").GetDouble() > 0 && layer.GetProperty("backwardMilliseconds").GetDouble() > 0);
            Assert.Equal(Time(layer) / sum, layer.GetProperty("share").GetDouble(), 1e-6);
            Assert.Equal(
                layer.GetProperty("trainingMacs").GetInt64() / Time(layer) / 1e6, layer.GetProperty("gigaMacsPerSecond").GetDouble(), 1e-3);
        });

        if (report.GetProperty("keptBytes").ValueKind == JsonValueKind.Null) return;
        Assert.Equal(report.GetProperty("keptBytes").GetInt64(), layers.Sum(layer => layer.GetProperty("keptBytes").GetInt64()));

        // The map that the stem hands on is kept, and libtorch's allocations are multiples of a cache line.
        Assert.True(layers[0].GetProperty("keptBytes").GetInt64() >= 2 * 16 * 112 * 112 * sizeof(float));
    }

    [Fact]
    public void A_checkpoint_is_measured_in_the_size_of_its_data_unless_another_is_asked_for()
    {
        var own = Report("--checkpoint", finished.Best, "--batch", "2");
        var larger = Report("--checkpoint", finished.Best, "--size", "40", "--batch", "3", "--threads", "2");

        Assert.Equal("[2,3,32,32]", own.GetProperty("input").GetRawText());
        Assert.Equal("[3,3,40,40]", larger.GetProperty("input").GetRawText());
        Assert.Equal(Math.Min(2, Environment.ProcessorCount), larger.GetProperty("threads").GetInt32());
    }

    [Fact]
    public void The_table_shows_blocks_totals_and_what_is_outside_of_them()
    {
        var (exitCode, output, error) = Here.Run(
            "profile", "--training", "--preset", "cifar", "--classes", "10", "--batch", "4", "--network", "mobilenet-v3-small-twin");

        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        Assert.Contains("mobilenet-v3-small-twin, 10 classes, 4×3×32×32, training", output, StringComparison.Ordinal);
        var lines = output.Split(Environment.NewLine);
        Assert.All(s_names, name => Assert.Single(lines, line => line.StartsWith($" {name} ", StringComparison.Ordinal)));
        Assert.Contains("100 %", Assert.Single(lines, line => line.StartsWith(" total ", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.All(
            ["a whole step", "outside the layers", "arithmetic", "memory"],
            fact => Assert.Contains(fact, output, StringComparison.Ordinal));
        Assert.All(lines.TakeWhile(line => !line.Contains("a whole step", StringComparison.Ordinal)).Skip(2),
            line => Assert.InRange(line.Length, 0, 80));
    }

    [Theory]
    [InlineData("--batch is 1: batch norms in training take statistics of 2 images at least", "--batch", "1")]
    [InlineData("--batch is 65536: a step on so many images of 1024×1024 may keep", "--batch", "65536", "--size", "1024")]
    [InlineData("There is no file", "--checkpoint", "none.safetensors")]
    [InlineData("--width contradicts --checkpoint", "--checkpoint", "none.safetensors", "--width", "2")]
    [InlineData("choose a smaller --image-size", "--size", "65536")]
    public void Bad_input_is_refused_in_one_line(string expected, params string[] args)
    {
        var line = Here.Refusal(["profile", "--training", .. args]);

        Assert.StartsWith("xsepconv profile: ", line);
        Assert.Contains(expected, line);
    }

    private static JsonElement Report(params string[] args)
    {
        var (exitCode, output, error) = Here.Run(["profile", "--training", "--json", .. args]);
        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        return JsonDocument.Parse(Here.SingleLine(output)).RootElement;
    }
}
