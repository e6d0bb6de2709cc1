using System.Globalization;
using System.Text.Json;

namespace XSepConv.Cli.Tests;

public sealed class ExportTests : IDisposable
{
    // As train writes it, by hand: `data` says what the network was trained on, `training` what resuming needs.
    private static readonly Dictionary<string, string> Trained = new()
    {
        ["xsepconv.data"] = """
            {"name":"two things","synthetic":true,"classes":["this","that"],"mean":[0.25],"std":[0.5],"channels":1,"height":28,"width":20}
            """,
        ["xsepconv.training"] = "{}",
    };

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    private string Checkpoint => Save("last.safetensors", Trained);

    [Fact]
    public void Onnx_takes_size_classes_and_normalisation_from_the_checkpoint()
    {
        var path = At("network.onnx");
        var (exitCode, output, error) = Here.Run("export", "--checkpoint", Checkpoint, "--out", path, "--normalize");

        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        Assert.StartsWith($"{path}: ONNX, IR 7, opset 14: images [N, 1, 28, 20] → logits [N, 2], ", Here.SingleLine(output));
        var info = OnnxModelInfo.Read(path);
        Assert.Equal("""["this","that"]""", info.Metadata["xsepconv.classes"]);
        Assert.Equal("""{"mean":[0.25],"std":[0.5],"pixels":"0..255"}""", info.Metadata["xsepconv.normalization"]);
        Assert.Equal(Trained["xsepconv.data"], info.Metadata["xsepconv.data"]);
        Assert.DoesNotContain("xsepconv.training", info.Metadata.Keys);
        Assert.Equal(1, info.Operators["Sub"]);
        Assert.DoesNotContain("BatchNormalization", info.Operators.Keys);
    }

    [Theory]
    [InlineData("""["N","1","H","W"]""", "--dynamic-size")]
    [InlineData("""["N","1","33","65"]""", "--size", "33x65")]
    [InlineData("""["N","1","28","20"]""", "--bn", "kept")]
    [InlineData("""["N","1","28","20"]""", "--opset", "11")]
    [InlineData("""["N","1","28","20"]""", "--opset", "17")]
    public void Onnx_as_asked_and_reported_as_JSON(string shape, params string[] options)
    {
        var (exitCode, output, error) = Here.Run(
            ["export", "--checkpoint", Checkpoint, "--format", "onnx", "--out", At("network.onnx"), "--json", .. options]);

        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        var report = JsonDocument.Parse(Here.SingleLine(output)).RootElement;
        Assert.Equal(shape, report.GetProperty("inputs")[0].GetProperty("shape").GetRawText());
        Assert.Equal(options is ["--opset", var opset] ? int.Parse(opset) : 14, report.GetProperty("opset").GetInt64());
        Assert.Equal(new FileInfo(At("network.onnx")).Length, report.GetProperty("bytes").GetInt64());
        Assert.Equal(options.Contains("kept"), report.GetProperty("operators").TryGetProperty("BatchNormalization", out _));
    }

    [Fact]
    public void Weights_alone_are_exported_with_any_size()
    {
        var (exitCode, output, _) = Here.Run("export", "--checkpoint", Save("weights.safetensors", []), "--out", At("network.onnx"));

        Assert.Equal(0, exitCode);
        Assert.Contains("images [N, 1, H, W] → logits [N, 2]", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Safetensors_hold_the_network_without_what_resuming_needs()
    {
        var path = At("network.safetensors");
        var (exitCode, output, error) = Here.Run("export", "--checkpoint", Checkpoint, "--format", "safetensors", "--out", path);

        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        Assert.StartsWith($"{path}: safetensors", Here.SingleLine(output));
        using var file = SafeTensors.Open(path);
        Assert.Equal(["format", "xsepconv.data", "xsepconv.network", "xsepconv.settings"], file.Metadata.Keys.Order());
        using var network = MobileNet.FromSafeTensors(path);
        Assert.Equal(2, network.Spec.NumClasses);
    }

    [Theory]
    [InlineData("f32", true)]
    [InlineData("bf16", false)]
    [InlineData("f16", false)]
    [InlineData("int8", false)]
    public void Rounded_weights_do_not_claim_what_the_others_were_measured_at(string dtype, bool isKept)
    {
        var measured = new XSepConv.Training.EpochResult(
            3, TrainLoss: 1, TrainTop1: 0.5, ValidationLoss: 1, ValidationTop1: 0.5, LearningRate: 0.1, Best: true);
        var from = Save("best.safetensors", new(Trained)
        {
            [XSepConv.Training.Checkpoint.ResultMetadataKey] = JsonSerializer.Serialize(measured, JsonSerializerOptions.Web),
        });
        var (exitCode, _, error) = Here.Run(
            "export", "--checkpoint", from, "--format", "safetensors", "--dtype", dtype, "--out", At("network.safetensors"));

        Assert.True(exitCode == 0, error);
        using var loaded = XSepConv.Training.Checkpoint.Load(At("network.safetensors"));
        Assert.Equal(isKept ? measured : null, loaded.Result);
        Assert.Equal(["this", "that"], loaded.ClassNames);
    }

    [Fact]
    public void Pictures_go_to_the_screen_or_into_a_file()
    {
        var (exitCode, mermaid, _) = Here.Run("export", "--checkpoint", Checkpoint, "--format", "mermaid");
        Assert.Equal(0, exitCode);
        Assert.StartsWith("flowchart TB\n  images[\"images<br/>[N, 1, 28, 20]\"]", mermaid, StringComparison.Ordinal);

        var path = At("network.dot");
        var (_, output, _) = Here.Run("export", "--checkpoint", Checkpoint, "--format", "dot", "--dynamic-size", "--out", path);
        Assert.StartsWith($"{path}: dot, 11 blocks, ", Here.SingleLine(output));
        Assert.Contains("[N, 1, H, W]", File.ReadAllText(path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("onnx")]
    [InlineData("safetensors")]
    [InlineData("dot")]
    [InlineData("mermaid")]
    public void The_bytes_that_are_said_are_those_of_the_file(string format)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There a link needs a right.");
        File.CreateSymbolicLink(At("link"), At("file"));
        Directory.CreateSymbolicLink(At("linked"), folder);
        foreach (var path in new[] { At("plain"), At("link"), Path.Combine(At("linked"), "plain") })
        {
            string[] export = ["export", "--checkpoint", Checkpoint, "--format", format, "--out", path];
            var (exitCode, output, error) = Here.Run([.. export, "--json"]);
            Assert.True(exitCode == 0, error);
            var bytes = File.ReadAllBytes(path).Length;
            Assert.Equal(bytes, JsonDocument.Parse(Here.SingleLine(output)).RootElement.GetProperty("bytes").GetInt64());
            var text = string.Create(CultureInfo.InvariantCulture, $", {bytes:N0} bytes");
            Assert.Contains(text, Here.Run(export).Out, StringComparison.Ordinal);
        }

        Assert.Equal(At("file"), new FileInfo(At("link")).LinkTarget);
    }

    [Theory]
    [InlineData("Option '--checkpoint' is required", "export", "--out", "OUT")]
    [InlineData("Give --out, the file to write as onnx.", "export", "--checkpoint", "FILE")]
    [InlineData("Give --out, the file to write as safetensors.", "export", "--checkpoint", "FILE", "--format", "safetensors")]
    [InlineData("--format is 'onxx': known are onnx, safetensors, dot, mermaid. Did you mean 'onnx'?", "export", "--checkpoint", "FILE",
        "--format", "onxx")]
    [InlineData(
        "--opset is '18': it must be a whole number from 11 to 17.", "export", "--checkpoint", "FILE", "--out", "OUT", "--opset", "18")]
    [InlineData("--opset is for --format onnx.", "export", "--checkpoint", "FILE", "--format", "dot", "--opset", "12")]
    [InlineData("--bn is for --format onnx.", "export", "--checkpoint", "FILE", "--format", "dot", "--bn", "kept")]
    [InlineData(
        "--normalize is for --format onnx.", "export", "--checkpoint", "FILE", "--format", "safetensors", "--out", "OUT", "--normalize")]
    [InlineData("--dtype is for --format safetensors.", "export", "--checkpoint", "FILE", "--out", "OUT", "--dtype", "bf16")]
    [InlineData("--dtype is for --format safetensors.", "export", "--checkpoint", "FILE", "--format", "dot", "--dtype", "f16")]
    [InlineData("--dtype is 'int4': known are f32, bf16, f16, int8. Did you mean 'int8'?", "export", "--checkpoint", "FILE", "--format", "safetensors", "--out", "OUT",
        "--dtype", "int4")]
    [InlineData("--image-size is for --format onnx, dot and mermaid", "export", "--checkpoint", "FILE", "--format", "safetensors", "--out",
        "OUT", "--size", "3x3")]
    [InlineData(
        "Give either --image-size or --dynamic-size.", "export", "--checkpoint", "FILE", "--out", "OUT", "--size", "3x3", "--dynamic-size")]
    [InlineData("--size is '3x': height and width are whole numbers", "export", "--checkpoint", "FILE", "--out", "OUT", "--size", "3x")]
    [InlineData("--size is '0x3'", "export", "--checkpoint", "FILE", "--out", "OUT", "--size", "0x3")]
    [InlineData("--json is about the file that --out names.", "export", "--checkpoint", "FILE", "--format", "dot", "--json")]
    [InlineData("the checkpoint itself; choose another file", "export", "--checkpoint", "FILE", "--out", "FILE")]
    [InlineData("There is no file", "export", "--checkpoint", "NONE", "--out", "OUT")]
    [InlineData("does not say how its images were normalised", "export", "--checkpoint", "WEIGHTS", "--out", "OUT", "--normalize")]
    [InlineData("", "export", "--checkpoint", "TEXT", "--out", "OUT")]
    [InlineData("", "export", "--checkpoint", "FILE", "--out", "FOLDER")]
    public void Bad_input_is_refused_in_one_line(string expected, params string[] args)
    {
        File.WriteAllText(At("text.safetensors"), "no safetensors");
        var line = Here.Refusal([.. args.Select(argument => argument switch
        {
            "FILE" => Checkpoint,
            "WEIGHTS" => Save("weights.safetensors", []),
            "TEXT" => At("text.safetensors"),
            "NONE" => At("none.safetensors"),
            "OUT" => At("network.onnx"),
            "FOLDER" => folder,
            _ => argument,
        })]);

        Assert.StartsWith("xsepconv export: ", line);
        Assert.Contains(expected, line);
        Assert.False(File.Exists(At("network.onnx")));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string At(string name) => Path.Combine(folder, name);

    private string Save(string name, Dictionary<string, string> metadata)
    {
        var path = At(name);
        if (File.Exists(path)) return path;
        using var network = new MobileNet(
            MobileNetV3SmallSpec.XSep(new() { NumClasses = 2, InputChannels = 1, Width = 0.2, Preset = ImagePreset.Cifar }));
        network.SaveSafeTensors(path, metadata);
        return path;
    }
}
