namespace XSepConv.Cli.Tests;

/// <summary>
/// Every path that can be typed leads to everything that is no file: all are refused by name, at once, and nothing waits.
/// </summary>
public sealed class PathTests : IDisposable
{
    // No test here waits for a clock; a hang is what this ends.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    // PATH is the obstacle, GOOD a checkpoint, TWIN one with large depthwise kernels, FOREIGN weights of torchvision's, NEW a name that
    // is free, RUN a folder whose last.safetensors is the obstacle.
    private static readonly string[][] Reading =
    [
        ["predict", "--checkpoint", "PATH", "picture.png"],
        ["predict", "--checkpoint", "GOOD", "PATH"],
        ["evaluate", "--checkpoint", "PATH"],
        ["evaluate", "--checkpoint", "GOOD", "--data", "folder", "--data-root", "PATH"],
        ["export", "--checkpoint", "PATH", "--out", "NEW"],
        ["profile", "--checkpoint", "PATH"],
        ["plan", "--checkpoint", "PATH"],
        ["import", "PATH", "--from", "torchvision", "--model", "mobilenet_v2", "--out", "NEW"],
        ["import", "FOREIGN", "--from", "torchvision", "--model", "mobilenet_v2", "--classes", "PATH", "--out", "NEW"],
        ["convert", "--checkpoint", "PATH", "--out", "NEW"],
        ["convert", "--checkpoint", "GOOD", "--fit", "folder", "--data-root", "PATH", "--out", "NEW"],
        ["train", "--data", "folder", "--data-root", "PATH", "--out", "NEW"],
        ["train", "--init", "PATH", "--out", "NEW"],
        ["train", "--data", "mnist", "--data-root", "DATA", "--out", "NEW"],
        ["train", "--limit", "16", "--width", "0.1", "--resume", "--out", "RUN"],
        ["compare", "--data", "folder", "--data-root", "PATH", "--out", "NEW"],
        ["compare", "--limit", "16", "--width", "0.1", "--resume", "--out", "COMPARISON"],
        ["ablate", "--data", "folder", "--data-root", "PATH", "--out", "NEW"],
    ];

    private static readonly string[][] Writing =
    [
        ["export", "--checkpoint", "GOOD", "--out", "PATH"],
        ["export", "--checkpoint", "GOOD", "--format", "safetensors", "--out", "PATH"],
        ["export", "--checkpoint", "GOOD", "--format", "dot", "--out", "PATH"],
        ["import", "FOREIGN", "--from", "torchvision", "--model", "mobilenet_v2", "--out", "PATH"],
        ["convert", "--checkpoint", "TWIN", "--kernel", "5", "--out", "PATH"],
        ["train", "--limit", "16", "--width", "0.1", "--out", "PATH"],
        ["compare", "--limit", "16", "--width", "0.1", "--out", "PATH"],
        ["ablate", "--limit", "16", "--width", "0.1", "--out", "PATH"],
    ];

    public static TheoryData<string, string> ReadingCases => Cases(Reading, _ => Obstacle.All);

    /// <summary>
    /// Where a folder is asked for, a folder is no obstacle, and neither is a link to where one will be made; a device takes what is
    /// written to it.
    /// </summary>
    public static TheoryData<string, string> WritingCases => Cases(Writing, line => line[0] is "export" or "import" or "convert"
        ? Obstacle.All.Except([Obstacle.Device, Obstacle.Dangling, Obstacle.Forbidden])
        : Obstacle.All.Except([Obstacle.Folder, Obstacle.Dangling]));

    [Theory]
    [MemberData(nameof(ReadingCases))]
    public async Task What_is_no_file_is_not_read(string line, string kind) => await Refused(line, kind);

    [Theory]
    [MemberData(nameof(WritingCases))]
    public async Task What_is_no_file_is_not_replaced(string line, string kind) => await Refused(line, kind);

    [Fact]
    public void Every_option_that_takes_a_path_is_tried()
    {
        var tried = Reading.Concat(Writing).SelectMany(line => line.Skip(1).Zip(line.Skip(2), (name, value) => (name, value))
            .Where(pair => pair.value is "PATH" or "DATA" or "RUN" or "COMPARISON").Select(pair => $"{line[0]} {pair.name}"));
        var known = Tool.Root().Subcommands.SelectMany(command =>
            command.Options.Where(option => option.HelpName is "FILE" or "DIR").Select(option => $"{command.Name} {option.Name}"));
        Assert.Equal([], known.Except(tried));
    }

    public void Dispose()
    {
        foreach (var path in Directory.GetFiles(folder, "obstacle")) File.Delete(path);
        Directory.Delete(folder, recursive: true);
    }

    private static TheoryData<string, string> Cases(IEnumerable<string[]> lines, Func<string[], IEnumerable<string>> kinds) =>
        [.. lines.SelectMany(line => kinds(line).Select(kind => new TheoryDataRow<string, string>(string.Join(' ', line), kind)))];

    private async Task Refused(string line, string kind)
    {
        var path = Obstacle.Make(kind, folder);
        string[] args = [.. line.Split(' ').Select(word => word switch
        {
            "PATH" => path,
            "GOOD" => Checkpoint(),
            "TWIN" => Twin(),
            "FOREIGN" => ForeignFile.Write(Path.Combine(folder, "foreign.safetensors"), "mobilenet_v2", 2),
            "NEW" => Path.Combine(folder, "new"),
            "DATA" => Holding(
                "train-images-idx3-ubyte", path, ["train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]),
            "RUN" => Holding("last.safetensors", path, []),
            "COMPARISON" => Holding("compare.json", path, []),
            _ => word,
        })];
        var before = FileKinds.Of(path);
        var (exitCode, output, error) = await Task.Run(() => Here.Run(args), TestContext.Current.CancellationToken)
            .WaitAsync(Patience, TestContext.Current.CancellationToken);

        Assert.True(exitCode == 2, $"exit code {exitCode}: {error}");
        Assert.Equal("", output);
        var said = Here.Message(error);
        Assert.StartsWith($"xsepconv {args[0]}: ", said, StringComparison.Ordinal);
        Assert.DoesNotContain("Unexpected", said, StringComparison.Ordinal);
        Assert.DoesNotContain("Option '", said, StringComparison.Ordinal);
        Assert.InRange(said.Length, 1, 6_000);
        Assert.Equal(before, FileKinds.Of(path));
        var named = path.Length == 0 || kind == Obstacle.TooLong ? "" : args.Contains(path) ? path : folder;
        Assert.Contains(named, said, StringComparison.Ordinal);
        if (path.Length == 0 && args.Contains(""))
        {
            var typed = args[Array.IndexOf(args, "") - 1];
            var argument = args[0] switch
            {
                "predict" when args[^1].Length == 0 => "IMAGE",
                "import" when typed == "import" => "FILE",
                _ => typed,
            };
            Assert.Contains($"{argument} is ''", said, StringComparison.Ordinal);
        }
    }

    private string Checkpoint()
    {
        var path = Path.Combine(folder, "good.safetensors");
        using var network = TrainedFile.Network(3, 2);
        return TrainedFile.Write(path, network, TrainedFile.Data(3, 20, "a", "b"));
    }

    private string Twin()
    {
        using var network = new MobileNet(PublishedSpec.MobileNetV3Small(
            new() { NumClasses = 2, Width = 0.25, Preset = ImagePreset.Cifar }));
        return TrainedFile.Write(Path.Combine(folder, "twin.safetensors"), network, TrainedFile.Data(3, 20, "a", "b"));
    }

    /// <summary>A folder that holds the obstacle under that name, and the others empty.</summary>
    private string Holding(string name, string obstacle, string[] others)
    {
        var holder = Directory.CreateDirectory(Path.Combine(folder, "holder")).FullName;
        Assert.SkipWhen(obstacle.Length == 0 || obstacle.Length > 4_000, "This is about a path that is typed.");
        var inside = Path.Combine(holder, name);

        // A link to what is there, but for links, which are there themselves.
        File.CreateSymbolicLink(inside, obstacle);
        foreach (var other in others) File.WriteAllBytes(Path.Combine(holder, other), []);
        return holder;
    }
}
