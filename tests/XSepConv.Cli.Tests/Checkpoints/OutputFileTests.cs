namespace XSepConv.Cli.Tests.Checkpoints;

/// <summary>What a command reads is never what it writes over, whatever the two are called.</summary>
public sealed class OutputFileTests : IDisposable
{
    private const string Itself = "itself", Link = "a link to it", Target = "the target of a link", Folder = "through a linked folder",
        FromFolder = "read through a linked folder", Chain = "a link to a link";

    private static readonly string[] Ways = [Itself, Link, Target, Folder, FromFolder, Chain];

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    // Each with what it reads as IN and what it writes as OUT.
    private static readonly Dictionary<string, string[]> Commands = new()
    {
        ["export onnx"] = ["export", "--checkpoint", "IN", "--out", "OUT"],
        ["export safetensors"] = ["export", "--checkpoint", "IN", "--format", "safetensors", "--dtype", "int8", "--out", "OUT"],
        ["export dot"] = ["export", "--checkpoint", "IN", "--format", "dot", "--out", "OUT"],
        ["export mermaid"] = ["export", "--checkpoint", "IN", "--format", "mermaid", "--out", "OUT"],
        ["convert"] = ["convert", "--checkpoint", "IN", "--kernel", "3", "--out", "OUT"],
        ["import"] = ["import", "IN", "--from", "torchvision", "--model", "mobilenet_v2", "--out", "OUT"],
        ["import names"] =
            ["import", "FOREIGN", "--from", "torchvision", "--model", "mobilenet_v2", "--classes", "IN", "--out", "OUT"],
    };

    public static TheoryData<string, string> EveryCommandAndWay()
    {
        var all = new TheoryData<string, string>();
        foreach (var command in Commands.Keys)
        {
            foreach (var way in Ways) all.Add(command, way);
        }

        return all;
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [MemberData(nameof(EveryCommandAndWay))]
    public void An_output_that_is_an_input_is_refused_and_stays_as_it_is(string command, string way)
    {
        var file = Input(command);
        var bytes = File.ReadAllBytes(file);
        var (from, to) = Names(file, way);
        var foreign = command == "import names" ? ForeignFile.Write(At("foreign"), "mobilenet_v2", 2) : "";
        var line = Here.Refusal([.. Commands[command].Select(word => word switch
        {
            "IN" => from,
            "OUT" => to,
            "FOREIGN" => foreign,
            _ => word,
        })]);

        Assert.Contains($"--out is '{to}', ", line, StringComparison.Ordinal);
        Assert.Contains(" itself; choose another file", line, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(file));
    }

    [Theory]
    [InlineData("best.safetensors", Itself)]
    [InlineData("last.safetensors", Itself)]
    [InlineData("best.safetensors", Link)]
    [InlineData("last.safetensors", Chain)]
    [InlineData("best.safetensors", Folder)]
    [InlineData("last.safetensors", FromFolder)]
    public void A_run_does_not_start_from_what_it_overwrites(string name, string way)
    {
        Directory.CreateDirectory(At("run"));
        using (var network = TrainedFile.Network(3, 10)) TrainedFile.Write(At(Path.Combine("run", name)), network, null);
        var file = At(Path.Combine("run", name));
        var bytes = File.ReadAllBytes(file);
        var (from, output) = (file, At("run"));
        if (way is Folder or FromFolder) Directory.CreateSymbolicLink(At("linked"), output);
        if (way == Folder) output = At("linked");
        if (way == FromFolder) from = At(Path.Combine("linked", name));
        if (way is Link or Chain) from = Names(file, way).To;

        var (exitCode, _, error) = Here.Run(
            "train", "--init", from, "--limit", "20", "--threads", "1", "--epochs", "1", "--out", output, "--overwrite");

        Assert.True(exitCode == 2, error);
        Assert.Contains($"'{from}', which the run would overwrite", Here.Message(error), StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(file));
    }

    [Fact]
    public void An_equal_file_and_a_link_elsewhere_are_other_files()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There a link needs a right.");
        var file = Input("export dot");
        File.Copy(file, At("copy"));
        File.CreateSymbolicLink(At("link"), At("copy"));
        Assert.Equal(0, Here.Run("export", "--checkpoint", file, "--format", "dot", "--out", At("link")).ExitCode);
        Assert.StartsWith("digraph", File.ReadAllText(At("copy")), StringComparison.Ordinal);
    }

    /// <summary>Two names of one file.</summary>
    private (string From, string To) Names(string file, string way)
    {
        if (way == Itself) return (file, file);
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There a link needs a right.");
        var (link, linked) = (At("link"), At("linked"));
        switch (way)
        {
            case Link:
                File.CreateSymbolicLink(link, file);
                return (file, link);
            case Target:
                File.CreateSymbolicLink(link, file);
                return (link, file);
            case Chain:
                File.CreateSymbolicLink(At("between"), Path.GetRelativePath(folder, file));
                File.CreateSymbolicLink(link, "between");
                return (file, link);
            default:
                Directory.CreateSymbolicLink(linked, Path.GetDirectoryName(file)!);
                var through = Path.Combine(linked, Path.GetFileName(file));
                return way == Folder ? (file, through) : (through, file);
        }
    }

    private string Input(string command)
    {
        var path = Path.Combine(Directory.CreateDirectory(At("real")).FullName, "input");
        if (command == "import") return ForeignFile.Write(path, "mobilenet_v2", 2);
        if (command == "import names") File.WriteAllText(path, "red\ngreen\n");
        else
        {
            using var network = TrainedFile.Network(3, 2);
            TrainedFile.Write(path, network, TrainedFile.Data(3, 20, "red", "green"));
        }

        return path;
    }

    private string At(string name) => Path.Combine(folder, name);
}
