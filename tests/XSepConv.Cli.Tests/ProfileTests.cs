using System.Text.Json;

namespace XSepConv.Cli.Tests;

[Collection(typeof(FinishedRunTests))]
public sealed class ProfileTests(FinishedRun finished)
{
    // Hand-counted in the paper's notes for 1×3×224×224: convolutions and linear layers.
    private const long Macs = 58_004_384;

    [Fact]
    public async Task The_built_program_prints_every_layer_as_JSON_without_loading_libtorch()
    {
        var (exitCode, output, error) = await ToolProcess.Run("profile", "--batch", "2", "--json");

        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        var report = JsonDocument.Parse(Here.SingleLine(output)).RootElement;
        Assert.Equal("[2,3,224,224]", report.GetProperty("input").GetRawText());
        Assert.Equal(2 * Macs, report.GetProperty("macs").GetInt64());
        var layers = report.GetProperty("layers").EnumerateArray().ToArray();
        Assert.Equal(2 * Macs, layers.Sum(layer => layer.GetProperty("macs").GetInt64()));

        // Every layer that has weights is in one of the steps.
        var names = layers.SelectMany(layer => layer.GetProperty("name").GetString()!.Split(' ')).ToHashSet();
        Assert.All(MobileNetV3SmallSpec.XSep().Blocks.Select((_, i) => $"bneck.{i}.conv1"), name => Assert.Contains(name, names));
        Assert.Superset(new HashSet<string> { "conv1", "conv2", "linear3", "linear4", "bneck.4.se.se.1", "bneck.6.shortcut.0",
            "bneck.10.conv4" }, names);

        // A step's rate and share follow from its time.
        var sum = layers.Sum(layer => layer.GetProperty("milliseconds").GetDouble());
        Assert.All(layers, layer =>
        {
            var milliseconds = layer.GetProperty("milliseconds").GetDouble();
            Assert.Equal(milliseconds / sum, layer.GetProperty("share").GetDouble(), 1e-3);
            Assert.Equal(milliseconds > 0 ? layer.GetProperty("macs").GetInt64() / milliseconds / 1e6 : 0,
                layer.GetProperty("gigaMacsPerSecond").GetDouble(), 1e-6);
        });
        Assert.All(report.GetProperty("machine").EnumerateObject(), rate => Assert.True(rate.Value.GetDouble() > 0, rate.Name));
        Assert.True(report.GetProperty("milliseconds").GetDouble() > 0);

        LoadedLibraries.SkipWhereUnknown();
        Assert.DoesNotContain("torch", await LoadedLibraries.Of("profile", "--preset", "cifar"), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_checkpoint_is_measured_in_the_size_of_its_data_unless_another_is_asked_for()
    {
        var own = Report("--checkpoint", finished.Best);
        var larger = Report("--checkpoint", finished.Best, "--size", "48", "--batch", "3", "--threads", "2");

        Assert.Equal("[1,3,32,32]", own.GetProperty("input").GetRawText());
        Assert.Equal("[3,3,48,48]", larger.GetProperty("input").GetRawText());
        Assert.Equal(Math.Min(2, Environment.ProcessorCount), larger.GetProperty("threads").GetInt32());

        // The stem has stride 1 for images so small: 9 · 3 · 8 channels at each pixel.
        Assert.Equal(9 * 3 * 8 * 32 * 32, own.GetProperty("layers")[0].GetProperty("macs").GetInt64());
        Assert.Equal(3 * 9 * 3 * 8 * 48 * 48, larger.GetProperty("layers")[0].GetProperty("macs").GetInt64());
    }

    [Fact]
    public void The_table_shows_layers_total_and_what_the_machine_allows()
    {
        var (exitCode, output, error) = Here.Run("profile", "--preset", "cifar", "--classes", "10", "--model", "mobilenet-v3-small-twin");

        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        Assert.Contains("mobilenet-v3-small-twin, 10 classes, 1×3×32×32", output, StringComparison.Ordinal);

        // 40 → 240 channels and a 5×5 kernel on each, at 8×8 places.
        Assert.Contains($" {240 * (40 + 25) * 64:N0} ", Line(output, " bneck.4.conv1 + conv2 "), StringComparison.Ordinal);
        Assert.EndsWith("100 %", Line(output, " total ").TrimEnd(), StringComparison.Ordinal);
        Assert.All(["a whole run", "arithmetic", "weights", "memory"], fact => Assert.Contains(fact, output, StringComparison.Ordinal));
    }

    [Fact]
    public void Help_names_every_option()
    {
        var (exitCode, output, error) = Here.Run("profile", "--help");

        Assert.Equal(0, exitCode);
        Assert.Equal("", error);
        string[] options =
        [
            "--checkpoint", "--network", "--preset", "--width", "--kernels", "--classes", "--batch", "--threads", "--image-size", "--training",
            "--json",
        ];
        Assert.All(options, option => Assert.Matches($@"\n  (-\w, )?{option}[, \n]", output));
    }

    [Theory]
    [InlineData("There is no file", "--checkpoint", "none.safetensors")]
    [InlineData("--width contradicts --checkpoint", "--checkpoint", "none.safetensors", "--width", "2")]
    [InlineData("--classes contradicts --checkpoint", "--checkpoint", "none.safetensors", "--classes", "2")]
    [InlineData("The session would be too large", "--size", "65536")]
    [InlineData("--size is '0'", "--size", "0")]
    [InlineData("--batch is '0'", "--batch", "0")]
    [InlineData("--threads is '2000'", "--threads", "2000")]
    public void Bad_input_is_refused_in_one_line(string expected, params string[] args)
    {
        var line = Here.Refusal(["profile", .. args]);

        Assert.StartsWith("xsepconv profile: ", line);
        Assert.Contains(expected, line);
    }

    private static JsonElement Report(params string[] args)
    {
        var (exitCode, output, error) = Here.Run(["profile", "--json", .. args]);
        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        return JsonDocument.Parse(Here.SingleLine(output)).RootElement;
    }

    private static string Line(string table, string start) =>
        Assert.Single(table.Split(Environment.NewLine), line => line.StartsWith(start, StringComparison.Ordinal));
}
