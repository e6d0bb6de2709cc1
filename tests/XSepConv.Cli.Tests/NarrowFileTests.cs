using System.Text.Json;

namespace XSepConv.Cli.Tests;

/// <summary><c>export --dtype</c>: what it writes, every other command takes.</summary>
[Collection(typeof(FinishedRunTests))]
public sealed class NarrowFileTests(FinishedRun finished) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("bf16", SafeTensorType.BF16)]
    [InlineData("F16", SafeTensorType.F16)]
    [InlineData("f32", SafeTensorType.F32)]
    [InlineData("int8", SafeTensorType.I8)]
    public void Every_command_takes_the_file(string dtype, SafeTensorType type)
    {
        var path = At("narrow.safetensors");
        var said = Succeeds("export", "--checkpoint", finished.Best, "--format", "safetensors", "--dtype", dtype, "--out", path);
        Assert.Contains($"the weights in {dtype.ToLowerInvariant()} without the optimizer", said, StringComparison.Ordinal);
        using (SafeTensors whole = SafeTensors.Open(finished.Best), file = SafeTensors.Open(path))
        {
            Assert.Equal(type, file.Tensors["linear4.weight"].Type);
            Assert.Equal(SafeTensorType.F32, file.Tensors["linear4.bias"].Type);
            Assert.Equal(whole.Metadata["xsepconv.data"], file.Metadata["xsepconv.data"]);
            Assert.Equal(whole.Metadata["xsepconv.network"], file.Metadata["xsepconv.network"]);
            Assert.Equal(type == SafeTensorType.I8, file.Metadata.ContainsKey("xsepconv.int8"));
        }

        var picture = Pictures.At("kinds/420.jpg");
        var (before, after) = (Top(finished.Best, picture), Top(path, picture));
        Assert.Equal(before.Name, after.Name);
        Assert.Equal(before.Probability, after.Probability, type == SafeTensorType.F32 ? 0 : 0.02);
        Succeeds("evaluate", "--checkpoint", path, "--limit", "20");
        Succeeds("plan", "--checkpoint", path);
        Succeeds("profile", "--checkpoint", path);
        Succeeds("profile", "--training", "--checkpoint", path, "--batch", "2");
        Succeeds("convert", "--checkpoint", path, "--kernel", "3", "--out", At("converted.safetensors"));
        Succeeds("export", "--checkpoint", path, "--out", At("narrow.onnx"));
        Assert.DoesNotContain("xsepconv.int8", OnnxModelInfo.Read(At("narrow.onnx")).Metadata.Keys);
        Succeeds("export", "--checkpoint", path, "--format", "safetensors", "--dtype", "f32", "--out", At("wide.safetensors"));
        Assert.Equal(after, Top(At("wide.safetensors"), picture));
        Succeeds("train", "--init", path, "--limit", "20", "--batch", "10", "--epochs", "1", "--threads", "1", "--out", At("run"));
        using var trained = SafeTensors.Open(At("run/last.safetensors"));
        Assert.All(trained.Tensors.Values, info => Assert.True(info.Type is SafeTensorType.F32 or SafeTensorType.I64));
        foreach (var name in new[] { "wide.safetensors", "converted.safetensors", "run/last.safetensors", "run/best.safetensors" })
        {
            using var wide = SafeTensors.Open(At(name));
            Assert.DoesNotContain("xsepconv.int8", wide.Metadata.Keys);
            Assert.DoesNotContain("linear4.weight_scale", wide.Tensors.Keys);
            Assert.Equal(SafeTensorType.F32, wide.Tensors["linear4.weight"].Type);
        }
    }

    [Fact]
    public void Bytes_whose_scales_are_gone_are_refused_by_every_command()
    {
        Succeeds("export", "--checkpoint", finished.Best, "--format", "safetensors", "--dtype", "int8", "--out", At("whole.safetensors"));
        using (var file = SafeTensors.Open(At("whole.safetensors")))
        {
            SafeTensors.Write(
                At("int8.safetensors"),
                file.Tensors.Values.Where(info => info.Name != "linear4.weight_scale")
                    .Select(info => new SafeTensor(info.Name, info.Type, info.Shape, file.ReadBytes(info.Name))),
                file.Metadata);
        }

        string[] checkpoint = ["--checkpoint", At("int8.safetensors")];
        foreach (var command in new string[][]
        {
            ["predict", .. checkpoint, Pictures.At("kinds/420.jpg")],
            ["evaluate", .. checkpoint, "--limit", "20"],
            ["profile", .. checkpoint],
            ["profile", "--training", .. checkpoint, "--batch", "2"],
            ["convert", .. checkpoint, "--kernel", "3", "--out", At("out")],
            ["export", .. checkpoint, "--out", At("out")],
            ["export", .. checkpoint, "--format", "safetensors", "--out", At("out")],
            ["train", "--init", At("int8.safetensors"), "--limit", "20", "--epochs", "1", "--out", At("run")],
        })
        {
            const string Missing = "'linear4.weight' is I8, and its scales 'linear4.weight_scale' are missing";
            Assert.Contains(Missing, Here.Refusal(command), StringComparison.Ordinal);
            Assert.False(File.Exists(At("out")));
        }
    }

    [Fact]
    public void Weights_that_the_type_can_t_hold_are_named_and_nothing_is_written()
    {
        using (var network = MobileNet.FromSafeTensors(finished.Best))
        {
            using (TorchSharp.torch.no_grad()) network.state_dict()["conv2.weight"].mul_(1e10);
            network.SaveSafeTensors(At("large.safetensors"));
        }

        string[] export = ["export", "--checkpoint", At("large.safetensors"), "--format", "safetensors", "--out", At("narrow.safetensors")];
        var message = Here.Refusal([.. export, "--dtype", "f16"]);
        Assert.Contains("large.safetensors can't be written as --dtype f16: 'conv2.weight' has ", message, StringComparison.Ordinal);
        Assert.Contains("and F16 goes to 65504.", message, StringComparison.Ordinal);
        Assert.False(File.Exists(At("narrow.safetensors")));
        Succeeds([.. export, "--dtype", "bf16"]);
    }

    private (string Name, double Probability) Top(string checkpoint, string picture)
    {
        var top = JsonDocument.Parse(Here.SingleLine(Succeeds("predict", "--checkpoint", checkpoint, "--top", "1", "--json", picture)))
            .RootElement.GetProperty("images")[0].GetProperty("top")[0];
        return (top.GetProperty("name").GetString()!, top.GetProperty("probability").GetDouble());
    }

    private string Succeeds(params string[] args)
    {
        var (exitCode, output, error) = Here.Run(args);
        Assert.True(exitCode == 0, $"{string.Join(' ', args)}: {error}");
        return output;
    }

    private string At(string name) => Path.Combine(folder, name);
}
