using System.Globalization;
using System.Text.Json;
using XSepConv.Training;
using static TorchSharp.torch;

namespace XSepConv.Cli.Tests;

[Collection(typeof(FinishedRunTests))]
public sealed class PredictTests(FinishedRun finished) : IDisposable
{
    // Float32 after some thirty layers against float64: logits within 1e-4 of the largest, which is below 10 here, so probabilities within
    // twice 1e-3 of themselves.
    private const double Tolerance = 2e-3;

    private static readonly string[] Names = ["ape", "bee", "cow", "dog", "eel", "fox", "gnu"];

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    /// <summary>What README shows: two drawings, by the network in the repository.</summary>
    [Fact]
    public void The_front_page_prints_what_the_trained_network_says_of_its_drawings()
    {
        var root = Rooms.Repository();
        var (code, output, error) = Here.Run(
            "predict", "--checkpoint", Path.Combine(root, "models", "cifar-10.safetensors"), "--top", "1", "--json",
            Path.Combine(root, "docs", "images", "ship.png"), Path.Combine(root, "docs", "images", "plane.png"));

        Assert.True(code == 0, error);
        var readme = File.ReadAllText(Path.Combine(root, "README.md"));
        foreach (var image in JsonDocument.Parse(output).RootElement.GetProperty("images").EnumerateArray())
        {
            var (file, best) = (Path.GetFileName(image.GetProperty("file").GetString()), image.GetProperty("top")[0]);
            var percent = (100 * best.GetProperty("probability").GetDouble()).ToString("0.00", CultureInfo.InvariantCulture);
            Assert.Matches($"docs/images/{file} +{best.GetProperty("name").GetString()} +{percent} %", readme);
        }
    }

    /// <summary>The middle of a 28×20 picture, every pixel as Pillow decodes it.</summary>
    [Theory]
    [InlineData("rgb.png")]
    [InlineData("alpha.png")]
    [InlineData("deep.png")]
    [InlineData("palette.png")]
    [InlineData("interlaced.png")]
    public void A_picture_gets_the_classes_that_the_modules_give_to_its_middle_square(string name)
    {
        using var scope = NewDisposeScope();
        Compare(Fixture(name), 20, MiddleOf(File.ReadAllBytes(Fixture($"{name}.expected")), 20));
    }

    /// <summary>
    /// Scaled, down and up, and decoded with what rounding JPEG leaves open: as the data set <c>folder</c> does it for evaluation.
    /// </summary>
    [Theory]
    [InlineData("scale.png", 13)]
    [InlineData("scale.png", 40)]
    [InlineData("baseline.jpg", 20)]
    [InlineData("progressive.jpg", 24)]
    [InlineData("subsampled.jpg", 16)]
    [InlineData("grey.jpg", 32)]
    [InlineData("../kinds/exif-6.jpg", 20)]
    [InlineData("../kinds/exif-7.jpg", 16)]
    [InlineData("../kinds/exif-8.jpg", 20)]
    [InlineData("../kinds/exif-alpha.png", 20)]
    [InlineData("../kinds/alpha.png", 16)]
    [InlineData("../kinds/palette-4-transparency.png", 20)]
    [InlineData("../kinds/rgb-key.png", 20)]
    [InlineData("../kinds/cmyk-without-adobe.jpg", 20)]
    [InlineData("../kinds/ycck.jpg", 20)]
    [InlineData("../kinds/junk-before-marker.jpg", 20)]
    [InlineData("../kinds/without-end.jpg", 20)]
    [InlineData("../kinds/animated.png", 20)]
    [InlineData("../kinds/jpeg-by-content.png", 20)]
    public void A_picture_is_prepared_as_the_images_of_a_folder_are_for_evaluation(string name, int side)
    {
        var root = At("images");
        foreach (var copy in Enumerable.Range(0, 6))
        {
            var place = Directory.CreateDirectory(Path.Combine(root, $"class {copy % 2}")).FullName;
            File.Copy(Fixture(name), Path.Combine(place, $"{copy}{Path.GetExtension(name)}"));
        }

        var images = DatasetCatalog.Open(
            DatasetCatalog.Folder, new()
            {
                DataRoot = root,
                ImageSize = side,
                CacheDirectory = At("cache"),
            }, null, TestContext.Current.CancellationToken);

        using var scope = NewDisposeScope();
        Compare(Fixture(name), side, tensor(images.Test.Image(0).ToArray()).view(3, side, side), Rgb.White);
    }

    /// <summary>
    /// A half seen red over each colour, by hand: 128/255 of (255, 0, 0) and 127/255 of the background, to the nearest level.
    /// </summary>
    [Theory]
    [InlineData(null, "#808080", 192, 64, 64)]
    [InlineData(null, "#ffffff", 255, 127, 127)]
    [InlineData("black", "#ffffff", 128, 0, 0)]
    [InlineData("#0000FF", null, 128, 0, 127)]
    [InlineData(null, null, 255, 0, 0)]
    public void What_is_seen_through_lies_on_the_colour_of_training_or_on_the_one_that_is_typed(
        string? typed, string? trained, int red, int green, int blue)
    {
        // 16×16 pixels (255, 0, 0, 128); what is seen of each makes it differ from the next, or the network would not.
        var file = Fixture("../kinds/half-red.png");
        Rgb? background = trained is null ? null : Rgb.Parse(trained);
        string[] options = typed is null ? [] : ["--background", typed];
        using var scope = NewDisposeScope();
        var pixels = tensor(new[] { (byte)red, (byte)green, (byte)blue }).view(3, 1, 1).expand(3, 16, 16).clone();
        using var network = TrainedFile.Network(3, Names.Length);
        var data = TrainedFile.Data(3, 16, Names) with { Background = background };
        var checkpoint = TrainedFile.Write(At("network.safetensors"), network, data);
        var expected = Probabilities(network, data, pixels);

        var top = Images(Ok(["predict", "--checkpoint", checkpoint, "--top", "7", "--json", .. options, file]))[0].GetProperty("top")
            .EnumerateArray();

        Assert.All(
            top, one => Assert.Equal(expected[one.GetProperty("class").GetInt32()], one.GetProperty("probability").GetDouble(), Tolerance));
        Assert.Contains(new[] { tensor(new byte[3]), tensor(new byte[] { 255, 255, 255 }) },
            other => Distance(Probabilities(network, data, other.view(3, 1, 1).expand(3, 16, 16).clone()), expected) > 10 * Tolerance);
    }

    [Fact]
    public void A_network_for_grey_images_gets_the_luma_of_coloured_ones()
    {
        using var scope = NewDisposeScope();
        var data = TrainedFile.Data(1, 20, Names);
        var colours = MiddleOf(File.ReadAllBytes(Fixture("palette.png.expected")), 20).to_type(ScalarType.Float64);
        var (luma, swapped) = (Luma(colours), Luma(colours.flip(0)));
        using var network = TrainedFile.Network(
            1, Names.Length, Normalized(data, stack([luma, luma.flip(1), luma.flip(2), swapped])).to_type(ScalarType.Float32));
        var checkpoint = TrainedFile.Write(At("grey.safetensors"), network, data);
        var expected = Probabilities(network, data, luma);

        var top = Images(Ok("predict", "--checkpoint", checkpoint, "--top", "7", "--json", Fixture("palette.png")))[0].GetProperty("top")
            .EnumerateArray();

        Assert.All(
            top, one => Assert.Equal(expected[one.GetProperty("class").GetInt32()], one.GetProperty("probability").GetDouble(), Tolerance));
        Assert.True(Distance(Probabilities(network, data, swapped), expected) > 5 * Tolerance);

        static Tensor Luma(Tensor colours) => ((0.299 * colours[0]) + (0.587 * colours[1]) + (0.114 * colours[2])).round().unsqueeze(0);
    }

    [Fact]
    public void The_table_names_the_likeliest_classes_of_every_image()
    {
        string[] files = ["rgb.png", "scale.png", "palette.png"];
        using var network = TrainedFile.Network(3, Names.Length);
        var checkpoint = TrainedFile.Write(At("network.safetensors"), network, TrainedFile.Data(3, 20, Names));

        var table = Ok(["predict", "--checkpoint", checkpoint, "--top", "2", .. files.Select(Fixture)]);
        var report = Images(Ok(["predict", "--checkpoint", checkpoint, "--top", "2", "--json", .. files.Select(Fixture)]));

        var rows = table.Split(Environment.NewLine).Where(line => line.Contains('%', StringComparison.Ordinal)).Select(line => line.Trim())
            .ToArray();
        Assert.Equal(6, rows.Length);
        for (var i = 0; i < rows.Length; i++)
        {
            var one = report[i / 2].GetProperty("top")[i % 2];
            var percent = (100 * one.GetProperty("probability").GetSingle()).ToString("0.00", CultureInfo.InvariantCulture);
            Assert.Matches($@"\b{one.GetProperty("name").GetString()} .* {percent} %$", rows[i]);
            Assert.Equal(i % 2 == 0, rows[i].Contains(files[i / 2], StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Many_images_on_several_threads_get_what_each_gets_alone()
    {
        string[] files = ["rgb.png", "deep.png", "palette.png", "baseline.jpg", "scale.png"];
        var many = Enumerable.Range(0, 70).Select(i => Fixture(files[i % files.Length])).ToArray();

        var together = Images(
            Ok(["predict", "--checkpoint", finished.Best, "--threads", $"{Math.Min(3, Environment.ProcessorCount)}", "--json", .. many]));

        var alone = files.Select(file =>
            Images(Ok("predict", "--checkpoint", finished.Best, "--threads", "1", "--json", Fixture(file)))[0].GetRawText()).ToArray();
        Assert.Equal(many.Length, together.Length);
        for (var i = 0; i < many.Length; i++) Assert.Equal(alone[i % files.Length], together[i].GetRawText());
    }

    [Fact]
    public void Files_that_are_no_images_are_named_and_the_others_still_done()
    {
        var text = Write(At("text.png"), "no image"u8.ToArray());
        var cut = Write(At("cut.png"), File.ReadAllBytes(Fixture("rgb.png"))[..500]);
        var empty = Write(At("empty.jpg"), []);
        var none = At("none.png");
        var huge = At("huge.png");
        using (var file = File.Create(huge)) file.SetLength((64L << 20) + 1);

        var (exitCode, output, error) = Here.Run("predict", "--checkpoint", finished.Best, "--json", text, Fixture("rgb.png"), none, cut,
            folder, Fixture("grey.jpg"), empty, huge);

        Assert.Equal(2, exitCode);
        string[] expected =
        [
            $"{text}: is neither a PNG nor a JPEG file", $"{none}: there is no such file", $"{cut}: the PNG "
                + "file has a chunk that claims", $"{folder}: is a folder", $"{empty}: is empty",
            $"{huge}: has more than 67108864 bytes",
        ];
        var lines = error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected.Length, lines.Length);
        for (var i = 0; i < lines.Length; i++) Assert.StartsWith($"xsepconv predict: {expected[i]}", lines[i]);
        var images = Images(output);
        Assert.Equal(8, images.Length);
        Assert.All(images, (image, i) => Assert.Equal(i is 1 or 5, image.TryGetProperty("top", out _)));
        Assert.All(images, (image, i) => Assert.Equal(i is not (1 or 5), image.TryGetProperty("error", out _)));
    }

    [Fact]
    public void Only_files_that_are_no_images_leave_no_table()
    {
        var (exitCode, output, error) = Here.Run("predict", "--checkpoint", finished.Best, At("none.png"));

        Assert.Equal(2, exitCode);
        Assert.Equal("", output);
        Assert.Equal($"xsepconv predict: {At("none.png")}: there is no such file.", Here.Message(error));
    }

    [Fact]
    public async Task Libtorch_is_never_loaded()
    {
        LoadedLibraries.SkipWhereUnknown();

        var predicting = await LoadedLibraries.Of("predict", "--checkpoint", finished.Best, Fixture("rgb.png"));
        var evaluating = await LoadedLibraries.Of("evaluate", "--checkpoint", finished.Best, "--limit", "2");

        Assert.Contains("libcoreclr.so", predicting, StringComparison.Ordinal);
        Assert.DoesNotContain("torch", predicting, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("libtorch_cpu.so", evaluating, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_names_every_option()
    {
        var (exitCode, output, error) = Here.Run("predict", "--help");

        Assert.Equal(0, exitCode);
        Assert.Equal("", error);
        string[] options = ["--checkpoint", "--top", "--threads", "--json"];
        Assert.All(options, option => Assert.Contains($"  {option} ", output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Option '--checkpoint' is required", "a.png")]
    [InlineData("Required argument 'IMAGE' missing", "--checkpoint", "BEST")]
    [InlineData("none.safetensors", "--checkpoint", "NONE", "a.png")]
    [InlineData("text.safetensors", "--checkpoint", "TEXT", "a.png")]
    [InlineData("become a checkpoint by 'xsepconv import'", "--checkpoint", "FOREIGN", "a.png")]
    [InlineData("does not say how its images were prepared", "--checkpoint", "WEIGHTS", "a.png")]
    [InlineData("takes images of 2 channels", "--checkpoint", "TWO", "a.png")]
    [InlineData("has no classifier", "--checkpoint", "FEATURES", "a.png")]
    [InlineData("has no classifier", "--checkpoint", "FEATURES", "--stream")]
    [InlineData("--top is '0'", "--checkpoint", "BEST", "--top", "0", "a.png")]
    [InlineData("--threads is '-1'", "--checkpoint", "BEST", "--threads", "-1", "a.png")]
    [InlineData("no option '--tpo' here. Did you mean '--top'?", "--checkpoint", "BEST", "--tpo", "1", "a.png")]
    public void Bad_input_is_refused_in_one_line(string expected, params string[] args)
    {
        var line = Here.Refusal(["predict", .. args.Select(Given)]);

        Assert.StartsWith("xsepconv predict: ", line);
        Assert.Contains(expected, line);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Given(string argument)
    {
        switch (argument)
        {
            case "BEST": return finished.Best;
            case "NONE": return At("none.safetensors");
            case "TEXT": return Write(At("text.safetensors"), "no safetensors, but long enough"u8.ToArray());
            case "FOREIGN":
                SafeTensors.Write(At("foreign.safetensors"), [new SafeTensor("embed.weight", SafeTensorType.F32, [2], new byte[8])],
                    new Dictionary<string, string> { ["format"] = "pt" });
                return At("foreign.safetensors");
            case "WEIGHTS":
                using (var network = TrainedFile.Network(3, 2)) return TrainedFile.Write(At("weights.safetensors"), network, null);
            case "TWO":
                using (var network = TrainedFile.Network(2, 2)) return TrainedFile.Write(
                    At("two.safetensors"), network, TrainedFile.Data(2, 20, "a", "b"));
            case "FEATURES":
                using (var network = TrainedFile.Network(3, 0)) return TrainedFile.Write(
                    At("features.safetensors"), network, TrainedFile.Data(3, 20));
            default: return argument;
        }
    }

    private static string Ok(params string[] args)
    {
        var (exitCode, output, error) = Here.Run(args);
        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        return output;
    }

    private static JsonElement[] Images(string output) =>
        [.. JsonDocument.Parse(Here.SingleLine(output)).RootElement.GetProperty("images").EnumerateArray()];

    /// <summary>The probabilities that <c>predict</c> prints against those of the modules for the pixels, [3, side, side].</summary>
    private void Compare(string file, int side, Tensor pixels, Rgb? background = null)
    {
        var data = TrainedFile.Data(3, side, Names) with { Background = background };
        Tensor[] turned = [pixels, pixels.flip(1), pixels.flip(2), pixels.transpose(1, 2)];
        using var network = TrainedFile.Network(
            3, Names.Length, Normalized(data, stack([.. turned, .. turned.Select(image => image.flip(0))])).to_type(ScalarType.Float32));
        var checkpoint = TrainedFile.Write(At("network.safetensors"), network, data);
        var expected = Probabilities(network, data, pixels);

        var top = Images(Ok("predict", "--checkpoint", checkpoint, "--top", "7", "--json", file))[0].GetProperty("top").EnumerateArray()
            .ToArray();

        Assert.Equal(Names.Length, top.Length);
        foreach (var one in top)
        {
            var index = one.GetProperty("class").GetInt32();
            Assert.Equal(Names[index], one.GetProperty("name").GetString());
            Assert.Equal(expected[index], one.GetProperty("probability").GetDouble(), Tolerance);
        }

        Assert.Equal(top.Select(one => one.GetProperty("probability").GetDouble()).OrderDescending(),
            top.Select(one => one.GetProperty("probability").GetDouble()));

        // A network that sees any picture alike would prove nothing: it tells even the mirrored one apart.
        Assert.True(Distance(Probabilities(network, data, pixels.flip(2)), expected) > 0.1);
    }

    /// <summary>Softmax of the modules' logits, in float64.</summary>
    private static double[] Probabilities(MobileNet network, DataSpec data, Tensor pixels)
    {
        using var exact = new MobileNet(network.Spec, dtype: ScalarType.Float64);
        using var noGrad = no_grad();
        var source = network.state_dict();
        foreach (var (key, value) in exact.state_dict()) value.copy_(source[key]);
        exact.eval();
        return [.. exact.call(Normalized(data, pixels.unsqueeze(0))).softmax(1).data<double>()];
    }

    private static double Distance(double[] one, double[] other) => one.Zip(other, (a, b) => Math.Abs(a - b)).Max();

    private static Tensor Normalized(DataSpec data, Tensor pixels) =>
        ((pixels.to_type(ScalarType.Float64) / 255) - tensor(data.Mean.ToArray()).view(-1, 1, 1)) / tensor(data.Std.ToArray())
            .view(-1, 1, 1);

    /// <summary>Of [20, 28, 3].</summary>
    private static Tensor MiddleOf(byte[] bytes, int side) =>
        tensor(bytes).view(20, 28, 3).permute(2, 0, 1).narrow(1, (20 - side) / 2, side).narrow(2, (28 - side) / 2, side);

    private static string Fixture(string name) => Pictures.At($"images/{name}");

    private static string Write(string path, byte[] bytes)
    {
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private string At(string name) => Path.Combine(folder, name);
}
