using System.Text.Json;

namespace XSepConv.Cli.Tests;

public class SummaryTests
{
    // Hand-counted in the paper's notes and the issue for 1×3×224×224: convolutions and linear layers, no bias terms in the MACs.
    private const long Parameters = 2_889_512;
    private const long Macs = 58_004_384;

    [Fact]
    public async Task The_built_program_prints_the_known_figures_as_JSON_and_nothing_else()
    {
        var (exitCode, output, error) = await ToolProcess.Run("summary", "--json");

        Assert.Equal(0, exitCode);
        Assert.Equal("", error);
        var summary = JsonDocument.Parse(Here.SingleLine(output)).RootElement;
        Assert.Equal(Parameters, summary.GetProperty("parameters").GetInt64());
        Assert.Equal(Macs, summary.GetProperty("macs").GetInt64());
        var layers = summary.GetProperty("layers").EnumerateArray().ToArray();
        Assert.Equal(Parameters, layers.Sum(layer => layer.GetProperty("parameters").GetInt64()));
        Assert.Equal(Macs, layers.Sum(layer => layer.GetProperty("macs").GetInt64()));

        // The stem: 3·16·3·3 weights, each used at 112×112 places.
        Assert.Equal(
            """{"name":"conv1","kind":"conv 3×3","output":[1,16,112,112],"parameters":432,"macs":5419008,"padding":null}""",
            layers[0].GetRawText());
        string?[] expected = ["RightBottom", "LeftTop", "LeftBottom", "RightTop", "RightBottom", "LeftTop"];
        Assert.Equal(expected, layers.Select(layer => layer.GetProperty("padding").GetString()).Where(padding => padding is not null));
    }

    [Fact]
    public void Block_4_alone_has_53960_parameters_in_the_table()
    {
        var (exitCode, output, error) = Here.Run("summary");

        Assert.Equal(0, exitCode);
        Assert.Equal("", error);
        Assert.Contains("53,960", Row(output, "bneck.4"));
        Assert.Contains("RightBottom", Row(output, "bneck.4"));
        Assert.Contains("2,889,512", Row(output, "total"));
        Assert.Contains("58,004,384", Row(output, "total"));
        Assert.All(output.Split(Environment.NewLine), line => Assert.True(line.TrimEnd().Length <= 80, line));
    }

    [Fact]
    public void The_twin_differs_by_the_spatial_operators_only()
    {
        var twin = Summary("--model", "mobilenet-v3-small-twin");

        // For every XSep row of E channels: K² + 2 weights (one kernel, one batch norm) instead of 4 + 2K + 6 (three of each), and MACs
        // K² instead of 4 + 2K at each place of the map.
        (int Kernel, int Expand, int Map)[] rows = [(5, 240, 14), (5, 240, 14), (5, 120, 14), (5, 144, 14), (3, 576, 7), (3, 576, 7)];
        var parameters = rows.Sum(row => row.Expand * ((row.Kernel * row.Kernel) + 2 - (4 + (2 * row.Kernel) + 6)));
        var macs = rows.Sum(row => row.Expand * row.Map * row.Map * ((row.Kernel * row.Kernel) - (4 + (2 * row.Kernel))));
        Assert.Equal(Parameters + parameters, twin.GetProperty("parameters").GetInt64());
        Assert.Equal(Macs + macs, twin.GetProperty("macs").GetInt64());
        Assert.All(
            twin.GetProperty("layers").EnumerateArray(), layer => Assert.Equal(JsonValueKind.Null, layer.GetProperty("padding").ValueKind));
    }

    [Fact]
    public void Without_the_2x2_its_weights_and_its_four_MACs_a_place_are_gone()
    {
        var without = Summary("--without-2x2");

        // For every XSep row of E channels: 4 weights and its batch norm's 2.
        (int Expand, int Map)[] rows = [(240, 14), (240, 14), (120, 14), (144, 14), (576, 7), (576, 7)];
        Assert.Equal(Parameters - rows.Sum(row => row.Expand * 6), without.GetProperty("parameters").GetInt64());
        Assert.Equal(Macs - rows.Sum(row => row.Expand * row.Map * row.Map * 4), without.GetProperty("macs").GetInt64());
    }

    [Fact]
    public void The_cifar_preset_takes_32_by_32_and_keeps_the_first_two_maps_whole()
    {
        var summary = Summary("--preset", "cifar", "--classes", "10");

        Assert.Equal("[1,3,32,32]", summary.GetProperty("input").GetRawText());
        var outputs = summary.GetProperty("layers").EnumerateArray()
            .ToDictionary(layer => layer.GetProperty("name").GetString()!, layer => layer.GetProperty("output").GetRawText());
        Assert.Equal("[1,16,32,32]", outputs["conv1"]);
        Assert.Equal("[1,16,32,32]", outputs["bneck.0.conv3"]);
        Assert.Equal("[1,576,4,4]", outputs["conv2"]);
        Assert.Equal("[1,10]", outputs["linear4"]);
        Assert.Equal(Parameters - (990 * 1281), summary.GetProperty("parameters").GetInt64());
    }

    [Theory]
    [InlineData("imagenet", 224, 224)]
    [InlineData("cifar", 32, 32, "--image-size", "32")]
    [InlineData("cifar", 64, 48, "--size", "64x48")]
    [InlineData("imagenet", 65, 48, "--input", "3x65x48")]
    [InlineData("imagenet", 32, 32, "--preset", "imagenet", "--image-size", "32")]
    [InlineData("cifar", 96, 96, "--preset", "cifar", "--image-size", "96")]
    public void Small_images_have_the_preset_for_small_images(string preset, int height, int width, params string[] args)
    {
        var summary = Summary(args);

        Assert.Equal(preset, summary.GetProperty("preset").GetString());
        Assert.Equal($"[1,3,{height},{width}]", summary.GetProperty("input").GetRawText());

        // The stem of the cifar preset keeps the size, that of imagenet halves it.
        var stem = preset == "cifar" ? $"[1,16,{height},{width}]" : $"[1,16,{(height + 1) / 2},{(width + 1) / 2}]";
        Assert.Equal(stem, summary.GetProperty("layers")[0].GetProperty("output").GetRawText());
    }

    [Fact]
    public void Options_reach_the_network()
    {
        var summary = Summary("--width", "0.5", "--classes", "7", "--input", "1x48x40", "--kernels", "9", "--preset", "imagenet");

        Assert.Equal("[1,1,48,40]", summary.GetProperty("input").GetRawText());
        var layers = summary.GetProperty("layers").EnumerateArray().ToArray();
        Assert.Equal("[1,8,24,20]", layers[0].GetProperty("output").GetRawText());
        Assert.Equal(8 * 9, layers[0].GetProperty("parameters").GetInt64());
        Assert.Equal(11, layers.Count(layer => layer.GetProperty("kind").GetString() == "depthwise 1×9"));
        Assert.Equal("[1,7]", layers[^1].GetProperty("output").GetRawText());
    }

    [Fact]
    public void Kernels_by_stage_cost_what_the_paper_says()
    {
        // Row by row: channels, K of the table and whether it is XSep there, K of its stage, size that it comes in at, stride, output channels
        // of squeeze-excite where that moves to the expanded map.
        (int Channels, int Table, bool XSep, int Kernel, int Size, int Stride, int Squeezed)[] rows =
        [
            (16, 3, false, 31, 112, 2, 16), (72, 3, false, 29, 56, 2, 0), (88, 3, false, 29, 28, 1, 0), (96, 5, false, 27, 28, 2, 40),
            (240, 5, true, 27, 14, 1, 0), (240, 5, true, 27, 14, 1, 0), (120, 5, true, 27, 14, 1, 0), (144, 5, true, 27, 14, 1, 0),
            (288, 5, false, 13, 14, 2, 96), (576, 3, true, 13, 7, 1, 0), (576, 3, true, 13, 7, 1, 0),
        ];

        // The 2×2 at the size that comes in, the 1×K at half of its columns at stride 2, the K×1 at half of both.
        long XSepMacs(int size, int kernel, int stride) => (4L * size * size) + (kernel * size * size / stride) + (kernel * size * size / stride / stride);
        var macs = rows.Sum(row => row.Channels * (XSepMacs(row.Size, row.Kernel, row.Stride) - (row.XSep
            ? XSepMacs(row.Size, row.Table, row.Stride)
            : (long)row.Table * row.Table * row.Size * row.Size / row.Stride / row.Stride)));
        macs += rows.Where(row => row.Squeezed > 0).Sum(row => 2L * ((row.Channels * row.Channels / 4) - (row.Squeezed * row.Squeezed / 4)));
        var summary = Summary("--kernels", "31,29,27,13");

        Assert.Equal(Macs + macs, summary.GetProperty("macs").GetInt64());
        string[] expected = [.. rows.Select(row => $"depthwise {row.Kernel}×1")];
        Assert.Equal(expected, summary.GetProperty("layers").EnumerateArray().Select(layer => layer.GetProperty("kind").GetString()!.Split(" /")[0])
            .Where(kind => kind.StartsWith("depthwise", StringComparison.Ordinal) && kind.EndsWith("×1", StringComparison.Ordinal)));
        Assert.Equal(summary.GetRawText(), Summary("--kernels", "31,29,29,27,27,27,27,27,13,13,13").GetRawText());
    }

    [Theory]
    [InlineData("relu")]
    [InlineData("ReLU6")]
    [InlineData("silu")]
    public void Another_activation_costs_the_same(string activation)
    {
        var summary = Summary("--activation", activation);

        Assert.Equal(Parameters, summary.GetProperty("parameters").GetInt64());
        Assert.Equal(Macs, summary.GetProperty("macs").GetInt64());
    }

    [Fact]
    public void The_table_lists_every_layer_when_asked()
    {
        var (_, output, _) = Here.Run("summary", "--layers", "--preset", "cifar");

        Assert.Contains("depthwise 2×2", Row(output, "bneck.10.conv2"));
        Assert.Contains("LeftTop", Row(output, "bneck.10.conv2"));
    }

    [Theory]
    [InlineData("--width is '0': it must be above 0", "--width", "0")]
    [InlineData("--width is '-1'", "--width", "-1")]
    [InlineData("--width is 'NaN'", "--width", "NaN")]
    [InlineData("--width is '1e9'", "--width", "1e9")]
    [InlineData("--width is '0,5'", "--width", "0,5")]
    [InlineData("--kernels is '4': a kernel is odd", "--kernels", "4")]
    [InlineData("--kernels is '5,5,5,5,3,2'", "--kernels", "5,5,5,5,3,2")]
    [InlineData("mobilenet-v3-small-twin has no row that can be without a 2×2", "--network", "mobilenet-v3-small-twin", "--without-2x2")]
    [InlineData("mobilenet-v2 has no row that can be without a 2×2", "--network", "mobilenet-v2", "--kernels", "9", "--without-2x2")]
    [InlineData("--kernels is '-3'", "--kernels", "-3")]
    [InlineData("--kernels is '1': a kernel is odd, from 3 to 63", "--kernels", "1")]
    [InlineData("--kernels is '31,29,27,65': a kernel is odd, from 3 to 63", "--kernels", "31,29,27,65")]
    [InlineData("--kernels is '31/29/27/13': a kernel is odd", "--kernels", "31/29/27/13")]
    [InlineData("or 8 for the rows of large-kernel-small-twin", "--model", "large-kernel-small-twin", "--kernels", "5,5")]
    [InlineData("--kernels is '5,5': give one", "--kernels", "5,5")]
    [InlineData("--kernels is '3,3,3,3,3,3,3': give one", "--kernels", "3,3,3,3,3,3,3")]
    [InlineData("--classes is '0': it must be a whole number from 1", "--classes", "0")]
    [InlineData("--classes is '1.5'", "--classes", "1.5")]
    [InlineData("Did you mean 'mobilenet-v3-small-twin'?", "--model", "mobilnet-v3-small-twin")]
    [InlineData("Did you mean 'xsep-mobilenet-v3-small'?", "--model", "xsep")]
    [InlineData("known are auto, imagenet, cifar. Did you mean 'cifar'?", "--preset", "cifar10")]
    [InlineData("--activation is 'silo': known are relu, hswish, relu6, silu. Did you mean 'silu'?", "--activation", "silo")]
    [InlineData("--input is '3x0x5'", "--input", "3x0x5")]
    [InlineData("--image-size is 'x224'", "--image-size", "x224")]
    [InlineData("--input is '3x224x224x1'", "--input", "3x224x224x1")]
    [InlineData("choose a smaller --image-size", "--input", "3x65536x65536")]
    [InlineData("no option '--widht' here. Did you mean '--width'?", "--widht", "1")]
    [InlineData("no argument 'cifar'", "cifar")]
    public void Bad_input_is_refused_in_one_line(string expected, params string[] args)
    {
        Assert.Contains(expected, Here.Refusal(["summary", .. args]));
    }

    private static JsonElement Summary(params string[] args)
    {
        var (exitCode, output, error) = Here.Run(["summary", "--json", .. args]);
        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        return JsonDocument.Parse(output).RootElement;
    }

    private static string Row(string table, string name) =>
        Assert.Single(table.Split(Environment.NewLine), line => line.StartsWith($" {name} ", StringComparison.Ordinal));
}
