using System.Text.Json;

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
            "import", Foreign("mobilenet_v3_small", 3), "--from", "torchvision", "--model", "mobilenet_v3_small", "--out", At("net.safetensors"),
            "--classes", classes, "--image-size", "32", "--mean", "0.5,0.5,0.5", "--json");
        Assert.Equal(("", 0), (error, exitCode));
        var report = JsonDocument.Parse(Here.SingleLine(output)).RootElement;
        Assert.Equal((3, 32, "mobilenet-v3-small"), (report.GetProperty("classes").GetInt32(), report.GetProperty("imageSize").GetInt32(), report.GetProperty("model").GetString()));
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
            "convert", "--checkpoint", At("net.safetensors"), "--fit", "folder", "--data-root", pictures, "--steps", "2", "--out", At("xsep.safetensors"));
        Assert.Equal(6, CompiledModel.Load(At("xsep.safetensors")).Spec.Blocks.Count(row => row.Kind == BlockKind.XSepInvertedResidual));
        Succeeds("predict", "--checkpoint", At("xsep.safetensors"), picture);
        Succeeds("evaluate", "--checkpoint", At("xsep.safetensors"), "--data", "folder", "--data-root", pictures);
        Succeeds("export", "--checkpoint", At("xsep.safetensors"), "--out", At("xsep.onnx"));
        Succeeds("plan", "--checkpoint", At("xsep.safetensors"));
    }

    [Fact]
    public void All_that_is_wrong_with_a_file_is_printed()
    {
        var message = Here.Refusal(
            "import", Foreign("mobilenet_v2", 3), "--from", "torchvision", "--model", "mobilenet_v3_large", "--out", At("net.safetensors"));
        using var file = SafeTensors.Open(At("mobilenet_v2"));
        foreach (var tensor in ForeignNames.Of(PublishedSpec.MobileNetV3Large(), PretrainedSource.TorchVision))
        {
            if (!file.Tensors.ContainsKey(tensor.Name) && tensor.Shape.Length > 0) Assert.Contains($"'{tensor.Name}' is missing", message, StringComparison.Ordinal);
        }

        Assert.Contains("is not TorchVision's mobilenet_v3_large. It has the tensors of TorchVision's mobilenet_v2. ", message, StringComparison.Ordinal);
        Assert.False(File.Exists(At("net.safetensors")));
    }

    [Fact]
    public void What_is_typed_wrong_is_named()
    {
        var file = Foreign("mobilenet_v2", 3);
        File.WriteAllText(At("two.txt"), "a\nb\n");
        string[] import = ["import", file, "--from", "torchvision", "--model", "mobilenet_v2", "--out", At("net.safetensors")];
        Assert.Contains("known are torchvision, timm", Here.Refusal("import", file, "--from", "keras", "--model", "x", "--out", "y"), StringComparison.Ordinal);
        Assert.Contains("known are of torchvision mobilenet_v3_small", Here.Refusal("import", file, "--from", "torchvision", "--model", "resnet", "--out", "y"), StringComparison.Ordinal);
        Assert.Contains("has 2 lines; the network tells 3 classes apart", Here.Refusal([.. import, "--classes", At("two.txt")]), StringComparison.Ordinal);
        Assert.Contains("--mean has 2 numbers", Here.Refusal([.. import, "--mean", "1,2"]), StringComparison.Ordinal);
        Assert.Contains("--std is '1,0,1'", Here.Refusal([.. import, "--std", "1,0,1"]), StringComparison.Ordinal);
        Assert.Contains("the file itself", Here.Refusal("import", file, "--from", "torchvision", "--model", "mobilenet_v2", "--out", file), StringComparison.Ordinal);

        Succeeds(import);
        Assert.Contains("There is nothing to replace", Refusal("convert", "--checkpoint", At("net.safetensors"), "--out", At("xsep.safetensors")), StringComparison.Ordinal);
        Assert.Contains("kernels are odd", Here.Refusal("convert", "--checkpoint", At("net.safetensors"), "--kernel", "4", "--out", "y"), StringComparison.Ordinal);
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
