using System.Text.Json;

namespace XSepConv.Cli.Tests.Checkpoints;

/// <summary>A network without a classifier: every command works on it, or says that it lacks one.</summary>
public sealed class NoClassifierTests : IDisposable
{
    private const string Lacks = "has no classifier";

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("", "train", "--init", "FILE", "--limit", "20", "--batch", "10", "--epochs", "1", "--threads", "1", "--out", "OUT")]
    [InlineData(Lacks, "evaluate", "--checkpoint", "FILE", "--data", "shapes", "--limit", "20")]
    [InlineData(Lacks, "evaluate", "--checkpoint", "FILE", "--data", "folder", "--data-root", "PICTURES")]
    [InlineData(Lacks, "evaluate", "--checkpoint", "FILE")]
    [InlineData(Lacks, "predict", "--checkpoint", "FILE", "PICTURE")]
    [InlineData(Lacks, "predict", "--checkpoint", "FILE", "--stream")]
    [InlineData("", "convert", "--checkpoint", "FILE", "--out", "OUT")]
    [InlineData("", "convert", "--checkpoint", "FILE", "--fit", "folder", "--data-root", "PICTURES", "--steps", "1", "--out", "OUT")]
    [InlineData("", "export", "--checkpoint", "FILE", "--out", "OUT")]
    [InlineData("", "export", "--checkpoint", "FILE", "--format", "safetensors", "--dtype", "int8", "--out", "OUT")]
    [InlineData("", "export", "--checkpoint", "FILE", "--format", "dot")]
    [InlineData("", "export", "--checkpoint", "FILE", "--format", "mermaid")]
    [InlineData("", "profile", "--checkpoint", "FILE")]
    [InlineData(Lacks, "profile", "--checkpoint", "FILE", "--training", "--batch", "2")]
    [InlineData("", "plan", "--checkpoint", "XSEP")]
    public void Every_command_works_or_says_that_there_is_none(string expected, params string[] args)
    {
        var (exitCode, output, error) = Here.Run([.. args.Select(Given)]);

        Assert.DoesNotContain("libtorch:", error, StringComparison.Ordinal);
        Assert.DoesNotContain("Unexpected", error, StringComparison.Ordinal);
        Assert.True(exitCode == (expected.Length == 0 ? 0 : 2), $"{exitCode}: {error}");
        if (expected.Length == 0) return;
        Assert.Equal("", output);
        Assert.StartsWith($"xsepconv {args[0]}: {At("features.safetensors")} {expected}", Here.Message(error), StringComparison.Ordinal);
    }

    /// <summary>All commands that take a checkpoint are above.</summary>
    [Fact]
    public void No_command_is_left_out() => Assert.Equal(
        ["convert", "evaluate", "export", "plan", "predict", "profile", "train"],
        Tool.Root().Subcommands.Where(command => command.Options.Any(option => option.Name is "--checkpoint" or "--init"))
            .Select(command => command.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void What_an_ONNX_file_gives_is_called_features()
    {
        var (exitCode, output, error) = Here.Run("export", "--checkpoint", Given("FILE"), "--out", At("net.onnx"), "--json");
        Assert.True(exitCode == 0, error);
        var given = JsonDocument.Parse(Here.SingleLine(output)).RootElement.GetProperty("outputs")[0];
        Assert.Equal("features", given.GetProperty("name").GetString());
        Assert.Equal($$"""["N","{{CompiledModel.Load(Given("FILE")).Spec.NumFeatures}}"]""", given.GetProperty("shape").GetRawText());
    }

    private string Given(string word) => word switch
    {
        "FILE" => File.Exists(At("features.safetensors")) ? At("features.safetensors") : Features(),
        "XSEP" => XSep(),
        "PICTURE" => Pictures.At("kinds/red.png"),
        "PICTURES" => Folder(),
        "OUT" => At("out"),
        _ => word,
    };

    private string Features()
    {
        using var network = new MobileNet(PublishedSpec.MobileNetV3Small(new() { NumClasses = 0, Width = 0.25 }));
        return TrainedFile.Write(At("features.safetensors"), network, TrainedFile.Data(3, 32));
    }

    private string XSep()
    {
        using var network = TrainedFile.Network(3, 0);
        return TrainedFile.Write(At("xsep.safetensors"), network, TrainedFile.Data(3, 20));
    }

    private string Folder()
    {
        foreach (var i in Enumerable.Range(0, 8))
        {
            Directory.CreateDirectory(At($"pictures/{i % 2}"));
            File.Copy(Pictures.At(i % 2 == 0 ? "kinds/half-red.png" : "kinds/red.png"), At($"pictures/{i % 2}/{i}.png"));
        }

        return At("pictures");
    }

    private string At(string name) => Path.Combine(folder, name);
}
