using System.Text.Json;

namespace XSepConv.Cli.Tests.Checkpoints;

/// <summary>A folder's pictures for networks of one channel and of three: measured as they are named.</summary>
public sealed class GreyFolderTests : IDisposable
{
    private static readonly string[] Names = ["a", "b", "c", "d", "e", "f", "g"];

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Evaluate_counts_what_predict_answers(int channels)
    {
        string checkpoint;
        using (var network = TrainedFile.Network(channels, Names.Length))
        {
            checkpoint = TrainedFile.Write(At("net.safetensors"), network, TrainedFile.Data(channels, 20, Names));
        }

        var pictures = Folder();
        var predicted = Here.Run(["predict", "--checkpoint", checkpoint, "--top", "1", "--json", .. pictures]);
        Assert.True(predicted.ExitCode == 0, predicted.Error);
        var answers = JsonDocument.Parse(Here.SingleLine(predicted.Out)).RootElement.GetProperty("images").EnumerateArray()
            .Select(image => image.GetProperty("top")[0].GetProperty("class").GetInt32()).ToList();
        Assert.True(answers.Distinct().Count() > 1, "A network that takes all for one class would prove nothing.");

        var expected = new int[Names.Length][];
        for (var i = 0; i < Names.Length; i++) expected[i] = new int[Names.Length];
        foreach (var (picture, answer) in pictures.Zip(answers))
        {
            expected[Array.IndexOf(Names, Path.GetFileName(Path.GetDirectoryName(picture)))][answer]++;
        }

        var (exitCode, output, error) = Here.Run(
            "evaluate", "--checkpoint", checkpoint, "--data", "folder", "--data-root", At("pictures"), "--json");
        Assert.True(exitCode == 0, error);
        Assert.Equal(
            expected, JsonDocument.Parse(Here.SingleLine(output)).RootElement.GetProperty("confusion").EnumerateArray()
                .Select(row => row.EnumerateArray().Select(count => count.GetInt32()).ToArray()));
    }

    [Fact]
    public void A_grey_network_is_fitted_on_a_folder()
    {
        Folder();
        using (var network = new MobileNet(PublishedSpec.MobileNetV3Small(new() { NumClasses = 2, InputChannels = 1, Width = 0.25 })))
        {
            TrainedFile.Write(At("net.safetensors"), network, TrainedFile.Data(1, 20, "a", "b"));
        }

        var (exitCode, output, error) = Here.Run(
            "convert", "--checkpoint", At("net.safetensors"), "--fit", "folder", "--data-root", At("pictures"), "--steps", "1", "--out",
            At("xsep.safetensors"));

        Assert.True(exitCode == 0, error);
        Assert.Contains(" for input 1×1×20×20", output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_decoded_in_grey_and_in_colour_is_kept_apart()
    {
        Folder();
        foreach (var channels in new[] { 3, 1, 3 })
        {
            using (var network = TrainedFile.Network(channels, Names.Length))
            {
                TrainedFile.Write(At("net.safetensors"), network, TrainedFile.Data(channels, 20, Names));
            }

            Assert.Equal(0, Here.Run("evaluate", "--checkpoint", At("net.safetensors"), "--data-root", At("pictures")).ExitCode);
        }
    }

    [Fact]
    public void A_network_of_other_channels_is_refused()
    {
        Folder();
        using var network = TrainedFile.Network(2, Names.Length);
        var file = TrainedFile.Write(At("net.safetensors"), network, TrainedFile.Data(2, 20, Names));
        var line = Here.Refusal("evaluate", "--checkpoint", file, "--data-root", At("pictures"));
        Assert.Contains("2×20×20 images; folder has 3×20×20 images", line, StringComparison.Ordinal);
    }

    /// <summary>Two classes of pictures in colour, grey and with alpha.</summary>
    private List<string> Folder()
    {
        string[] kinds = ["420.jpg", "red.png", "half-red.png", "shape-in-alpha.png"];
        foreach (var (kind, i) in kinds.Concat(kinds).Select((kind, i) => (kind, i)))
        {
            Directory.CreateDirectory(At($"pictures/{Names[i % 2]}"));
            File.Copy(Pictures.At($"kinds/{kind}"), At($"pictures/{Names[i % 2]}/{i}{Path.GetExtension(kind)}"));
        }

        return [.. Directory.EnumerateFiles(At("pictures"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
    }

    private string At(string name) => Path.Combine(folder, name);
}
