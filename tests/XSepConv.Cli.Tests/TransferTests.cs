using System.Runtime.InteropServices;
using System.Text.Json;
using SkiaSharp;
using TorchSharp;
using XSepConv.Cli.Commands;
using static TorchSharp.torch;

namespace XSepConv.Cli.Tests;

/// <summary><c>import</c> and <c>convert</c>: what they write, every other command takes.</summary>
public sealed class TransferTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Pretrained_weights_become_a_checkpoint_that_every_command_takes()
    {
        var classes = At("classes.txt");
        File.WriteAllText(classes, "red\ngreen\n blue \n");
        var (exitCode, output, error) = Here.Run(
            "import", Foreign("mobilenet_v3_small", 3), "--from", "torchvision", "--model", "mobilenet_v3_small", "--out",
                At("net.safetensors"),
            "--classes", classes, "--image-size", "32", "--mean", "0.5,0.5,0.5", "--json");
        Assert.Equal(("", 0), (error, exitCode));
        var report = JsonDocument.Parse(Here.SingleLine(output)).RootElement;
        Assert.Equal((3, 32, "mobilenet-v3-small"), (report.GetProperty("classes").GetInt32(), report.GetProperty("imageSize").GetInt32(),
            report.GetProperty("model").GetString()));
        var data = CompiledModel.Load(At("net.safetensors")).Data!;
        Assert.Equal(["red", "green", "blue"], data.Classes);
        Assert.Equal([0.5, 0.5, 0.5], data.Mean);
        Assert.Equal([0.229, 0.224, 0.225], data.Std);
        Assert.Equal(32, data.Width);

        var picture = Pictures.At("kinds/420.jpg");
        Succeeds("predict", "--checkpoint", At("net.safetensors"), picture);
        Succeeds("profile", "--checkpoint", At("net.safetensors"));
        Succeeds("export", "--checkpoint", At("net.safetensors"), "--out", At("net.onnx"), "--normalize");
        Assert.Equal("""["red","green","blue"]""", OnnxModelInfo.Read(At("net.onnx")).Metadata["xsepconv.classes"]);
        Assert.Contains("has no 2×2", Here.Refusal("plan", "--checkpoint", At("net.safetensors")), StringComparison.Ordinal);

        // Three colours, each a folder of made pictures.
        var pictures = Path.Combine(folder, "pictures");
        foreach (var (name, i) in new[] { "red", "green", "blue" }.SelectMany(name => Enumerable.Range(0, 4).Select(i => (name, i))))
        {
            Directory.CreateDirectory(Path.Combine(pictures, name));
            File.Copy(Pictures.At(i % 2 == 0 ? "kinds/half-red.png" : "kinds/red.png"), Path.Combine(pictures, name, $"{i}.png"));
        }

        Succeeds("evaluate", "--checkpoint", At("net.safetensors"), "--data", "folder", "--data-root", pictures);
        Succeeds(
            "convert", "--checkpoint", At("net.safetensors"), "--fit", "folder", "--data-root", pictures, "--steps", "2", "--out",
                At("xsep.safetensors"));
        Assert.Equal(6, CompiledModel.Load(At("xsep.safetensors")).Spec.Blocks.Count(row => row.Kind == BlockKind.XSepInvertedResidual));
        Succeeds("predict", "--checkpoint", At("xsep.safetensors"), picture);
        Succeeds("evaluate", "--checkpoint", At("xsep.safetensors"), "--data", "folder", "--data-root", pictures);
        Succeeds("export", "--checkpoint", At("xsep.safetensors"), "--out", At("xsep.onnx"));
        Succeeds("plan", "--checkpoint", At("xsep.safetensors"));
    }

    // Mean, deviation, crop_pct and interpolation as timm's default_cfgs has them.
    [Theory]
    [InlineData("mobilenetv3_large_100.ra4_e3600_r224_in1k", 0.5, 0.5, 0.95, Interpolation.Bicubic, false)]
    [InlineData("mobilenetv3_large_100.miil_in21k_ft_in1k", 0, 1, 0.875, Interpolation.Bilinear, false)]
    [InlineData("mobilenetv3_large_100.miil_in21k", 0, 1, 0.875, Interpolation.Bilinear, false)]
    [InlineData("mobilenetv3_large_100.ra_in1k", 0.485, 0.229, 0.875, Interpolation.Bicubic, false)]
    [InlineData("mobilenetv3_small_100.lamb_in1k", 0.485, 0.229, 0.875, Interpolation.Bicubic, false)]
    [InlineData("mobilenetv2_100.ra_in1k", 0.485, 0.229, 0.875, Interpolation.Bicubic, false)]
    [InlineData("mobilenetv2_100.of_tomorrow", 0.485, 0.229, 0.875, Interpolation.Bicubic, true)]
    [InlineData("mobilenetv2_100", 0.485, 0.229, 0.875, Interpolation.Bicubic, true)]
    public void Images_of_timm_are_prepared_as_their_tag_says(
        string model, double mean, double deviation, double crop, Interpolation interpolation, bool isDoubtful)
    {
        const string Doubt = "normalised as ImageNet; timm's page for this tag says whether that is right";
        var file = ForeignFile.Write(At("file"), model, 3, PretrainedSource.Timm);
        string[] import = ["import", file, "--from", "timm", "--model", model, "--out", At("net.safetensors")];
        var (exitCode, output, error) = Here.Run(import);
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Equal(isDoubtful, output.Contains(Doubt, StringComparison.Ordinal));
        var data = CompiledModel.Load(At("net.safetensors")).Data!;
        Assert.Equal((mean, deviation), (data.Mean[0], data.Std[0]));
        Assert.Equal(new PictureScaling(crop, interpolation), data.Scaling);
        Assert.Equal(isDoubtful, output.Contains("pictures are scaled as most of timm's are, bicubic, crop 0.875", StringComparison.Ordinal));

        (exitCode, output, error) = Here.Run([.. import, "--json"]);
        Assert.Equal(mean, JsonDocument.Parse(Here.SingleLine(output)).RootElement.GetProperty("mean")[0].GetDouble());
        Assert.Equal(isDoubtful, error.Contains(Doubt, StringComparison.Ordinal));

        (exitCode, output, error) = Here.Run([.. import, "--mean", "0.1,0.2,0.3", "--std", "0.4,0.5,1"]);
        Assert.DoesNotContain(Doubt, output, StringComparison.Ordinal);
        Assert.Equal([0.1, 0.2, 0.3], CompiledModel.Load(At("net.safetensors")).Data!.Mean);
        foreach (var ofBytes in new[] { "--mean=123.7,116.3,103.5", "--std=58.4,57.1,57.4" })
        {
            Assert.Contains("is to be divided by 255", Here.Refusal([.. import, .. ofBytes.Split('=')]), StringComparison.Ordinal);
        }

        Succeeds([.. import, "--crop", "0.9", "--interpolation", "bilinear"]);
        Assert.Equal(new PictureScaling(0.9), CompiledModel.Load(At("net.safetensors")).Data!.Scaling);
    }

    [Theory]
    [InlineData("mobilenet_v3_small", false)]
    [InlineData("mobilenet_v3_large", true)]
    [InlineData("mobilenet_v2", true)]
    public void Where_torchvision_has_two_sets_of_weights_import_says_for_which_pictures_are_scaled(string model, bool hasTwo)
    {
        string[] import = ["import", Foreign(model, 3), "--from", "torchvision", "--model", model, "--out", At("net.safetensors")];
        var (_, output, _) = Here.Run(import);
        Assert.Equal(hasTwo, output.Contains("for IMAGENET1K_V2 (232) the crop is 0.9655 (--crop, --interpolation)", StringComparison.Ordinal));
        Assert.Equal(new PictureScaling(0.875), CompiledModel.Load(At("net.safetensors")).Data!.Scaling);
        Assert.DoesNotContain("IMAGENET1K_V2", Here.Run([.. import, "--crop", "0.9655"]).Out, StringComparison.Ordinal);
        foreach (var wrong in new[] { "0", "1.1", "nan", "0.05" })
        {
            Assert.Contains("it must be a number from 0.1 to 1", Here.Refusal([.. import, "--crop", wrong]), StringComparison.Ordinal);
        }
    }

    /// <summary>A coloured border around blue: whoever takes all of the picture sees it, whoever cuts out the middle does not.</summary>
    [Fact]
    public void Every_command_scales_pictures_as_the_file_says()
    {
        var middleOnly = new PictureScaling(0.3, Interpolation.Bicubic);
        random.manual_seed(1);
        using (var network = new MobileNet(MobileNetV3SmallSpec.Twin(new() { NumClasses = 2, Preset = ImagePreset.Cifar, Width = 0.25 })))
        using (no_grad())
        {
            nn.init.normal_(network.get_parameter("linear3.weight")!);
            nn.init.normal_(network.get_parameter("linear4.weight")!, std: 100);
            foreach (var (name, scaling) in new[] { ("whole", new PictureScaling(1)), ("middle", middleOnly) })
            {
                var data = new DataSpec("folder", false, ["green", "red"], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], 3, 32, 32) { Scaling = scaling };
                network.SaveSafeTensors(At($"{name}.safetensors"), new Dictionary<string, string> { [DataSpec.MetadataKey] = data.ToJson() });
            }
        }

        var pictures = Path.Combine(folder, "pictures");
        foreach (var (name, border) in new[] { ("red", SKColors.Red), ("green", SKColors.Lime) })
        {
            Directory.CreateDirectory(Path.Combine(pictures, name));
            for (var i = 0; i < 6; i++) Framed(Path.Combine(pictures, name, $"{i}.png"), 64 + i, border);
        }

        var files = Directory.GetFiles(Path.Combine(pictures, "red")).Concat(Directory.GetFiles(Path.Combine(pictures, "green"))).Order(StringComparer.Ordinal).ToArray();
        var (whole, middle) = (Probabilities("whole.safetensors"), Probabilities("middle.safetensors"));
        Assert.NotEqual(whole[0], whole[^1]);

        // In the middle all are blue, the files of either class.
        Assert.All(middle, one => Assert.Equal(middle[0], one));

        // The cross-entropy of what evaluate sees is that of what predict sees. Files are in the order of their names: green, then red.
        foreach (var (checkpoint, red) in new[] { ("whole.safetensors", whole), ("middle.safetensors", middle) })
        {
            var (_, measured, _) = Here.Run("evaluate", "--checkpoint", At(checkpoint), "--data", "folder", "--data-root", pictures, "--split", "all", "--json");
            var expected = -red.Select((probability, i) => Math.Log(i < 6 ? 1 - probability : probability)).Average();
            Assert.Equal(expected, JsonDocument.Parse(Here.SingleLine(measured)).RootElement.GetProperty("loss").GetDouble(), 1e-4 * Math.Max(1, expected));
        }

        Assert.True(Math.Abs(whole[0] - middle[0]) > 1e-3, $"{whole[0]}, {middle[0]}");

        string[] train = ["train", "--data", "folder", "--data-root", pictures, "--epochs", "1", "--batch", "4", "--lr", "0.000001", "--threads", "1", "--init"];
        Assert.Contains("nothing but #0000ff", Here.Message(Here.Run([.. train, At("middle.safetensors"), "--out", At("blue")]).Error), StringComparison.Ordinal);
        Succeeds([.. train, At("whole.safetensors"), "--out", At("run")]);
        Assert.Equal(new PictureScaling(1), CompiledModel.Load(At("run/best.safetensors")).Data!.Scaling);

        double[] Probabilities(string checkpoint)
        {
            var (exitCode, output, error) = Here.Run(["predict", "--checkpoint", At(checkpoint), "--json", .. files]);
            Assert.True(exitCode == 0, error);
            return [.. JsonDocument.Parse(Here.SingleLine(output)).RootElement.GetProperty("images").EnumerateArray().Select(image =>
                image.GetProperty("top").EnumerateArray().Single(one => one.GetProperty("name").GetString() == "red").GetProperty("probability").GetDouble())];
        }

        static void Framed(string path, int side, SKColor border)
        {
            using var bitmap = new SKBitmap(side, side, SKColorType.Rgb888x, SKAlphaType.Opaque);
            using (var canvas = new SKCanvas(bitmap))
            {
                canvas.Clear(border);
                canvas.DrawRect(side / 4, side / 4, side / 2, side / 2, new() { Color = SKColors.Blue });
            }

            using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(path, png.ToArray());
        }
    }

    [Theory]
    [InlineData("--data-root", "pictures")]
    [InlineData("--image-size", "32")]
    [InlineData("--background", "white")]
    [InlineData("--layout", "flat")]
    [InlineData("--skip-damaged")]
    [InlineData("--limit", "9")]
    [InlineData("--steps", "9")]
    public void What_belongs_to_a_fit_needs_one(params string[] option) =>
        Assert.Contains($"{option[0]} needs --fit", Here.Refusal(
            ["convert", "--checkpoint", "net.safetensors", "--out", At("x"), .. option]), StringComparison.Ordinal);

    /// <summary>A device that every machine has, though no weights can be put there.</summary>
    [Fact]
    public void A_network_is_opened_on_the_device_that_was_asked_for()
    {
        Succeeds("import", Foreign("mobilenet_v2", 3), "--from", "torchvision", "--model", "mobilenet_v2", "--out", At("net.safetensors"));
        using (var weights = MobileNet.FromSafeTensors(At("net.safetensors"))) weights.SaveSafeTensors(At("weights.safetensors"));
        foreach (var path in new[] { At("net.safetensors"), At("weights.safetensors") })
        {
            using var here = ExportSource.Open(path);
            Assert.All(here.Network.parameters(), weight => Assert.Equal(DeviceType.CPU, weight.device_type));
            var error = Assert.Throws<ExternalException>(() => ExportSource.Open(path, META));
            Assert.Contains("with Meta tensors", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_fit_that_is_interrupted_ends_and_writes_nothing()
    {
        Succeeds("import", Foreign("mobilenet_v3_small", 10), "--from", "torchvision", "--model", "mobilenet_v3_small", "--out",
            At("net.safetensors"), "--image-size", "32");
        var pictures = Path.Combine(folder, "pictures");
        foreach (var i in Enumerable.Range(0, 8))
        {
            Directory.CreateDirectory(Path.Combine(pictures, $"{i % 2}"));
            File.Copy(Pictures.At(i % 2 == 0 ? "kinds/half-red.png" : "kinds/red.png"), Path.Combine(pictures, $"{i % 2}", $"{i}.png"));
        }

        var cache = At("cache/xsepconv/folder");
        using var tool = ToolProcess.StartUnder(
            ["env", $"XDG_CACHE_HOME={At("cache")}"], "convert", "--checkpoint", At("net.safetensors"), "--fit", "folder", "--data-root",
            pictures, "--steps", "100000", "--threads", "1", "--out", At("xsep.safetensors"));

        // The pictures are opened under the handler of signals, before the fit.
        while (!tool.HasExited && !(Directory.Exists(cache) && Directory.EnumerateFiles(cache).Any()))
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        tool.Interrupt();
        var (exitCode, _, error) = await tool.Finish();
        Assert.True(exitCode == 130, $"exit code {exitCode}: {error}");
        Assert.Equal("xsepconv convert: Stopped; nothing was written.", Here.Message(error).Trim());
        Assert.False(File.Exists(At("xsep.safetensors")));
    }

    [Fact]
    public void Training_goes_on_from_a_checkpoint_for_other_classes_and_images()
    {
        Succeeds("import", Foreign("mobilenet_v3_small", 3), "--from", "torchvision", "--model", "mobilenet_v3_small", "--out",
            At("net.safetensors"), "--image-size", "32");
        string[] train =
        [
            "train", "--init", At("net.safetensors"), "--freeze", "1", "--head-lr", "0.1", "--limit", "20", "--batch", "10", "--epochs",
                "1", "--threads", "1",
            "--out", At("run"),
        ];
        var (exitCode, output, error) = Here.Run(train);
        Assert.True(exitCode == 0, error);
        output = string.Join(' ', output.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("all weights but the classifier of 3 classes, which is new", output, StringComparison.Ordinal);
        Assert.Contains("1 of 5 stages frozen, conv1 to bn1", output, StringComparison.Ordinal);
        Assert.Contains("normalised as there: mean 0.485, 0.456, 0.406", output, StringComparison.Ordinal);
        Assert.Contains("of linear4 0.1", output, StringComparison.Ordinal);
        using (SafeTensors file = SafeTensors.Open(At("net.safetensors")), trained = SafeTensors.Open(At("run/best.safetensors")))
        {
            Assert.Equal(file.ReadBytes("conv1.weight"), trained.ReadBytes("conv1.weight"));
            Assert.NotEqual(file.ReadBytes("conv2.weight"), trained.ReadBytes("conv2.weight"));
            Assert.Equal(10, trained.Tensors["linear4.bias"].Shape[0]);
        }

        Succeeds([.. train, "--resume"]);
        Assert.Contains("frozen stages: 1 there, 2 now", Refusal(
            [.. train.Select((word, i) => i > 0 && train[i - 1] == "--freeze" ? "2" : word), "--resume"]), StringComparison.Ordinal);
        File.Delete(At("net.safetensors"));
        var gone = Here.Refusal([.. train, "--resume"]);
        Assert.Contains($"There is no file '{At("net.safetensors")}'", gone, StringComparison.Ordinal);
        Assert.Contains("--resume compares it with the file that the run began from", gone, StringComparison.Ordinal);
        Assert.DoesNotContain("--resume", Here.Refusal([.. train, "--overwrite"]), StringComparison.Ordinal);
    }

    [Fact]
    public void What_contradicts_a_start_is_named()
    {
        Succeeds("import", Foreign("mobilenet_v3_small", 3), "--from", "torchvision", "--model", "mobilenet_v3_small", "--out",
            At("net.safetensors"));
        string[] train = ["train", "--init", At("net.safetensors"), "--limit", "20", "--out", At("run")];
        foreach (var (option, value) in new[] { ("--network", "mobilenet-v2"), ("--preset", "cifar"), ("--width", "1"),
            ("--kernels", "5"), ("--activation", "relu") })
        {
            Assert.Contains($"{option} and --init contradict each other", Here.Refusal([.. train, option, value]),
                StringComparison.Ordinal);
        }

        Assert.Contains("--freeze needs --init", Here.Refusal("train", "--freeze", "1", "--out", At("run")), StringComparison.Ordinal);
        Assert.Contains("--normalize needs --init", Here.Refusal("train", "--normalize", "data", "--out", At("run")),
            StringComparison.Ordinal);
        Assert.Contains("--freeze is '6': mobilenet-v3-small has 5 stages", Here.Refusal([.. train, "--freeze", "6"]),
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(At("run")));
    }

    [Fact]
    public void A_network_without_large_kernels_is_refused_and_the_options_for_smaller_ones_are_named()
    {
        Succeeds("import", Foreign("mobilenet_v2", 3), "--from", "torchvision", "--model", "mobilenet_v2", "--out", At("net.safetensors"));
        string[] convert = ["convert", "--checkpoint", At("net.safetensors"), "--out", At("xsep.safetensors")];
        var message = Here.Refusal(convert);
        string[] parts = ["There is nothing to replace", "and --kernel is 5", "--kernel and --strided-kernel take smaller ones"];
        foreach (var part in parts)
        {
            Assert.Contains(part, message, StringComparison.Ordinal);
        }

        // Nothing is smaller than these.
        Succeeds([.. convert, "--kernel", "3", "--strided-kernel", "3"]);
        message = Here.Refusal("convert", "--checkpoint", At("xsep.safetensors"), "--kernel", "3", "--out", At("again.safetensors"));
        Assert.Contains("the row is XSepInvertedResidual already", message, StringComparison.Ordinal);
        Assert.DoesNotContain("take smaller ones", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fit_that_does_not_converge_is_refused_in_the_words_of_the_command()
    {
        Succeeds("import", Foreign("mobilenet_v3_small", 2), "--from", "torchvision", "--model", "mobilenet_v3_small", "--out",
            At("net.safetensors"), "--image-size", "32");
        string data;
        using (var file = SafeTensors.Open(At("net.safetensors"))) data = file.Metadata["xsepconv.data"];
        using (var network = MobileNet.FromSafeTensors(At("net.safetensors")))
        using (no_grad())
        {
            // Finite, but not what comes of it.
            network.get_parameter("bneck.3.conv2.weight")!.fill_(1e38);
            network.SaveSafeTensors(At("huge.safetensors"), new Dictionary<string, string> { ["xsepconv.data"] = data });
        }

        foreach (var name in new[] { "red", "half-red" })
        {
            Directory.CreateDirectory(At($"pictures/{name}"));
            for (var i = 0; i < 4; i++) File.Copy(Pictures.At($"kinds/{name}.png"), At($"pictures/{name}/{i}.png"));
        }

        var (exitCode, _, error) = Here.Run(
            "convert", "--checkpoint", At("huge.safetensors"), "--fit", "folder", "--data-root", At("pictures"), "--steps", "2", "--out",
            At("x.safetensors"));
        Assert.Equal(2, exitCode);
        Assert.Contains(
            "does not converge; use random kernels (without --fit), or fewer --steps", Here.Message(error), StringComparison.Ordinal);
    }

    [Fact]
    public void Class_names_that_are_not_UTF_8_are_refused()
    {
        string[] import =
            ["import", Foreign("mobilenet_v2", 2), "--from", "torchvision", "--model", "mobilenet_v2", "--out", At("net.safetensors")];
        foreach (var encoding in new System.Text.Encoding[]
        {
            new System.Text.UTF8Encoding(false), new System.Text.UTF8Encoding(true), System.Text.Encoding.Unicode,
        })
        {
            File.WriteAllText(At("names.txt"), "Käfer\nAmeise\n", encoding);
            Succeeds([.. import, "--classes", At("names.txt")]);
            Assert.Equal(["Käfer", "Ameise"], CompiledModel.Load(At("net.safetensors")).Data!.Classes);
        }

        File.WriteAllText(At("names.txt"), "Käfer\nAmeise\n", System.Text.Encoding.Latin1);
        Assert.Contains(
            $"--classes is '{At("names.txt")}', which is not UTF-8", Here.Refusal([.. import, "--classes", At("names.txt")]),
            StringComparison.Ordinal);
        File.WriteAllBytes(At("names.txt"), [0xEF, 0xBB, 0xBF, (byte)'a', 10, 0xE4, 10]);
        Assert.Contains("which is not UTF-8", Here.Refusal([.. import, "--classes", At("names.txt")]), StringComparison.Ordinal);
    }

    /// <summary>What is not typed is as the help says.</summary>
    [Theory]
    [InlineData("evaluate", "of 'folder', whose middle is scaled to it. Default: those of the checkpoint")]
    [InlineData("evaluate", "such as #808080. Default: the colour of the checkpoint")]
    [InlineData("convert", "of 'folder', whose middle is scaled to it. Default: those of the checkpoint")]
    [InlineData("convert", "such as #808080. Default: the colour of the checkpoint")]
    [InlineData("convert", "as can be: for quick tries. Default: 256.")]
    [InlineData("train", "(at most 224), else 64; with --init those of the checkpoint")]
    [InlineData("train", "such as #808080. Default: white; with --init the colour of the checkpoint")]
    [InlineData("compare", "(at most 224), else 64. ")]
    [InlineData("compare", "such as #808080. Default: white. ")]
    [InlineData("compare", "as can be: for quick tries. Default: all, of shapes 2,000.")]
    public void The_help_says_what_images_are_usual(string command, string part)
    {
        var (exitCode, output, _) = Here.Run(command, "--help");
        Assert.Equal(0, exitCode);
        Assert.Contains(
            part, string.Join(' ', output.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries)) + " ", StringComparison.Ordinal);
    }

    [Fact]
    public void Images_are_not_matched_to_classes_that_have_no_names()
    {
        Succeeds("import", Foreign("mobilenet_v2", 3), "--from", "torchvision", "--model", "mobilenet_v2", "--out", At("numbered.safetensors"));
        foreach (var number in new[] { "0", "1" }) Directory.CreateDirectory(At($"numbers/{number}"));
        var message = Here.Refusal("evaluate", "--checkpoint", At("numbered.safetensors"), "--data", "folder", "--data-root", At("numbers"));
        Assert.Contains("without the names of its classes", message, StringComparison.Ordinal);
        Assert.Contains("--classes", message, StringComparison.Ordinal);
    }

    /// <summary>What <c>convert</c> of xsepconv_torch.py reads.</summary>
    [Fact]
    public void The_report_of_a_conversion_is_the_library_s()
    {
        Succeeds("import", Foreign("mobilenet_v3_small", 3), "--from", "torchvision", "--model", "mobilenet_v3_small", "--out", At("small.safetensors"));
        var (exitCode, output, error) = Here.Run(
            "convert", "--checkpoint", At("small.safetensors"), "--kernel", "5", "--out", At("converted.safetensors"), "--json");
        Assert.True(exitCode == 0, error);
        var report = JsonDocument.Parse(Here.SingleLine(output)).RootElement;
        Assert.Equal(At("converted.safetensors"), report.GetProperty("file").GetString());
        var layers = report.GetProperty("replaced").EnumerateArray().ToList();
        Assert.NotEmpty(layers);
        string[] read = ["path", "batchNormPath", "kernelSize", "channels", "stride", "padding", "activation", "epsilon", "momentum"];
        Assert.All(layers, layer => Assert.All(read, name => Assert.True(layer.TryGetProperty(name, out _), name)));
        Assert.All(layers, layer => Assert.Equal(5, layer.GetProperty("kernelSize").GetInt32()));
        Assert.All(layers, layer => Assert.True(Enum.TryParse<PaddingDirection>(layer.GetProperty("padding").GetString(), out _)));
    }

    [Fact]
    public void A_network_for_grey_images_is_imported()
    {
        Succeeds("import", Foreign("mobilenet_v2", 3), "--from", "torchvision", "--model", "mobilenet_v2", "--out",
            At("grey.safetensors"), "--channels", "1");
        var (spec, data) = (CompiledModel.Load(At("grey.safetensors")).Spec, CompiledModel.Load(At("grey.safetensors")).Data!);
        Assert.Equal((1, 1, 1), (spec.InputChannels, data.Channels, data.Mean.Count));
        Assert.Contains("--mean has 3 numbers", Here.Refusal(
            "import", At("mobilenet_v2"), "--from", "torchvision", "--model", "mobilenet_v2", "--out", At("x"), "--channels", "1",
                "--mean", "0.1,0.2,0.3"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mobilenet-v2")]
    [InlineData("mobilenet_v2")]
    public void A_model_is_called_as_there_or_as_here(string name)
    {
        Succeeds("import", Foreign("mobilenet_v2", 3), "--from", "torchvision", "--model", name, "--out", At("net.safetensors"));
        Assert.Equal(PublishedSpec.MobileNetV2Name, CompiledModel.Load(At("net.safetensors")).Spec.Name);
    }

    [Fact]
    public void All_that_is_wrong_with_a_file_is_printed()
    {
        var message = Here.Refusal(
            "import", Foreign("mobilenet_v2", 3), "--from", "torchvision", "--model", "mobilenet_v3_large", "--out", At("net.safetensors"));
        using var file = SafeTensors.Open(At("mobilenet_v2"));
        foreach (var tensor in ForeignNames.Of(PublishedSpec.MobileNetV3Large(), PretrainedSource.TorchVision))
        {
            if (!file.Tensors.ContainsKey(tensor.Name) && tensor.Shape.Length > 0) Assert.Contains($"'{tensor.Name}' is missing", message,
                StringComparison.Ordinal);
        }

        Assert.Contains("is not TorchVision's mobilenet_v3_large. It has the tensors of TorchVision's mobilenet_v2. ", message,
            StringComparison.Ordinal);
        Assert.False(File.Exists(At("net.safetensors")));
    }

    [Fact]
    public void What_is_typed_wrong_is_named()
    {
        var file = Foreign("mobilenet_v2", 3);
        File.WriteAllText(At("two.txt"), "a\nb\n");
        string[] import = ["import", file, "--from", "torchvision", "--model", "mobilenet_v2", "--out", At("net.safetensors")];
        Assert.Contains("known are torchvision, timm", Here.Refusal("import", file, "--from", "keras", "--model", "x", "--out", "y"),
            StringComparison.Ordinal);
        foreach (var library in new[] { "torchvision", "TorchVision", "TORCHVISION" })
        {
            Assert.Contains("--model is 'resnet': known are of torchvision mobilenet_v3_small", Here.Refusal(
                "import", file, "--from", library, "--model", "resnet", "--out", "y"), StringComparison.Ordinal);
        }

        Assert.Contains("has 2 lines; the network tells 3 classes apart", Here.Refusal([.. import, "--classes", At("two.txt")]),
            StringComparison.Ordinal);
        Assert.Contains("--mean has 2 numbers", Here.Refusal([.. import, "--mean", "0.1,0.2"]), StringComparison.Ordinal);
        Assert.Contains("--std is '1,0,1'", Here.Refusal([.. import, "--std", "1,0,1"]), StringComparison.Ordinal);
        Assert.Contains("the file itself", Here.Refusal("import", file, "--from", "torchvision", "--model", "mobilenet_v2", "--out",
            file), StringComparison.Ordinal);

        Succeeds(import);
        Assert.Contains("kernels are odd", Here.Refusal("convert", "--checkpoint", At("net.safetensors"), "--kernel", "4", "--out", "y"),
            StringComparison.Ordinal);
    }

    private string Foreign(string model, int classes) => ForeignFile.Write(At(model), model, classes);

    private static string Refusal(params string[] args)
    {
        var (exitCode, _, error) = Here.Run(args);
        Assert.NotEqual(0, exitCode);
        return Here.Message(error);
    }

    private static void Succeeds(params string[] args)
    {
        var (exitCode, _, error) = Here.Run(args);
        Assert.True(exitCode == 0, $"{string.Join(' ', args)}: {error}");
    }

    private string At(string name) => Path.Combine(folder, name);
}
