using System.Text.Json;

namespace XSepConv.Cli.Tests.Checkpoints;

/// <summary>The size that a checkpoint's images have is that of a folder's, or every command refuses it alike.</summary>
public sealed class CheckpointSizeTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static TheoryData<string, int, int> UnfitSizes()
    {
        var all = new TheoryData<string, int, int>();
        foreach (var command in new[] { "evaluate", "convert", "train" })
        {
            foreach (var (height, width) in new[] { (32, 48), (48, 32), (4, 4), (2048, 2048), (7, 7), (1025, 1025) })
            {
                all.Add(command, height, width);
            }
        }

        return all;
    }

    [Theory]
    [MemberData(nameof(UnfitSizes))]
    public void A_size_that_pictures_are_not_scaled_to_is_refused_by_the_files_name(string command, int height, int width)
    {
        var file = Checkpoint(height, width);
        var (exitCode, output, error) = Here.Run([.. Command(command, file), "--json"]);

        Assert.Equal((2, ""), (exitCode, output));
        var line = Here.Message(error);
        Assert.StartsWith($"xsepconv {command}: {file} takes images of {height}×{width}", line, StringComparison.Ordinal);
        Assert.Contains("--image-size", line, StringComparison.Ordinal);
        Assert.False(Path.Exists(At("out")));
    }

    [Theory]
    [InlineData("evaluate", 32, 48, 24)]
    [InlineData("convert", 32, 48, 24)]
    [InlineData("train", 32, 48, 24)]
    [InlineData("evaluate", 4, 4, 24)]
    [InlineData("convert", 2048, 2048, 24)]
    [InlineData("evaluate", 20, 20, null)]
    [InlineData("convert", 20, 20, null)]
    [InlineData("train", 20, 20, null)]
    [InlineData("convert", 20, 20, 24)]
    public void The_size_that_is_said_is_the_one_that_was_used(string command, int height, int width, int? typed)
    {
        string[] size = typed is { } side ? ["--image-size", $"{side}"] : [];
        // The pictures are shapes in alpha, which the checkpoint drops.
        string[] background = command == "train" ? ["--background", "white"] : [];
        string[] args = [.. Command(command, Checkpoint(height, width)), .. size, .. background];
        var used = typed ?? height;
        var (exitCode, output, error) = Here.Run([.. args, "--json"]);
        Assert.True(exitCode == 0, error);
        if (command == "train") Assert.Contains($"2 classes, 3×{used}×{used}", error, StringComparison.Ordinal);
        else
        {
            Assert.Equal(
                $"[{used},{used}]", JsonDocument.Parse(Here.SingleLine(output)).RootElement.GetProperty("imageSize").GetRawText());
        }

        if (command == "convert") Assert.Contains($" for input 1×3×{used}×{used}", Here.Run(args).Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(32, 48)]
    [InlineData(2048, 2048)]
    public void A_set_with_a_size_of_its_own_is_measured_and_fitted_in_it(int height, int width)
    {
        var file = Checkpoint(height, width, [.. Enumerable.Range(0, 10).Select(i => $"{i}")]);
        var (exitCode, output, error) = Here.Run(
            "convert", "--checkpoint", file, "--fit", "shapes", "--limit", "20", "--steps", "1", "--out", At("out"), "--json");
        Assert.True(exitCode == 0, error);
        Assert.Equal("[32,32]", JsonDocument.Parse(Here.SingleLine(output)).RootElement.GetProperty("imageSize").GetRawText());
    }

    [Fact]
    public void What_is_not_fitted_is_counted_in_the_size_of_the_checkpoint()
    {
        string[] convert = ["convert", "--checkpoint", Checkpoint(32, 48), "--out", At("out")];
        Assert.Contains(" for input 1×3×32×48", Here.Run(convert).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Pictures_are_not_named_by_a_network_for_oblongs() => Assert.StartsWith(
        $"xsepconv predict: {At("net.safetensors")} takes images of 32×48",
        Here.Refusal("predict", "--checkpoint", Checkpoint(32, 48), Pictures.At("kinds/red.png")), StringComparison.Ordinal);

    private string[] Command(string name, string file)
    {
        string[] data = ["folder", "--data-root", Folder()];
        return name switch
        {
            "evaluate" => ["evaluate", "--checkpoint", file, "--data", .. data],
            "convert" => ["convert", "--checkpoint", file, "--steps", "1", "--out", At("out"), "--fit", .. data],
            _ => ["train", "--init", file, "--epochs", "1", "--batch", "4", "--threads", "1", "--out", At("out"), "--data", .. data],
        };
    }

    private string Checkpoint(int height, int width, params string[] classes)
    {
        if (classes.Length == 0) classes = ["half-red", "red"];
        using var network = new MobileNet(PublishedSpec.MobileNetV3Small(new() { NumClasses = classes.Length, Width = 0.25 }));
        return TrainedFile.Write(
            At("net.safetensors"), network, TrainedFile.Data(3, 8, classes) with { Height = height, Width = width });
    }

    private string Folder()
    {
        foreach (var name in new[] { "half-red", "red" })
        {
            Directory.CreateDirectory(At($"pictures/{name}"));
            for (var i = 0; i < 6; i++) File.Copy(Pictures.At($"kinds/{name}.png"), At($"pictures/{name}/{i}.png"));
        }

        return At("pictures");
    }

    private string At(string name) => Path.Combine(folder, name);
}
