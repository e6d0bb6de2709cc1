using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Tests;

[Collection(typeof(FinishedRunTests))]
public sealed class EvaluateTests(FinishedRun finished) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    [Fact]
    public async Task The_built_program_prints_what_the_run_measured_as_JSON_and_nothing_else()
    {
        var (exitCode, output, error) = await ToolProcess.Run(
            "evaluate", "--checkpoint", finished.Best, "--data", FinishedRun.Data, "--limit", FinishedRun.Limit, "--threads", "1",
            "--json");

        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        var report = JsonDocument.Parse(Here.SingleLine(output)).RootElement;
        string[] names =
        [
            "top1", "loss", "images", "meanClassTop1", "split", "sameTestImages", "imageSize", "classes", "confusion", "shifted", "found",
        ];
        Assert.Equal(names, report.EnumerateObject().Select(property => property.Name));

        // The same weights, images, batches and threads: the same bits.
        var test = JsonDocument.Parse(finished.Out).RootElement.GetProperty("test");
        Assert.Equal("test", report.GetProperty("split").GetString());
        foreach (var name in new[] { "top1", "loss", "images" })
        {
            Assert.Equal(test.GetProperty(name).GetRawText(), report.GetProperty(name).GetRawText());
        }
    }

    [Fact]
    public void Top_1_of_moved_images_is_beside_that_of_the_images()
    {
        string[] evaluate =
            ["evaluate", "--checkpoint", finished.Best, "--data", FinishedRun.Data, "--limit", FinishedRun.Limit, "--shift", "2"];
        var (exitCode, output, _) = Here.Run(evaluate);
        var (_, json, _) = Here.Run([.. evaluate, "--json"]);

        Assert.Equal(0, exitCode);
        var report = JsonDocument.Parse(Here.SingleLine(json)).RootElement;
        var rows = report.GetProperty("shifted").EnumerateArray().ToList();
        Assert.Equal([1, 2], rows.Select(row => row.GetProperty("pixels").GetInt32()));
        Assert.Matches($@"\n +0 px( +{Percent(report, "top1")}){{5}}", output);
        var sides = new[] { "right", "left", "down", "up" }.Select(side => Percent(rows[1], side));
        Assert.Matches($@"\n +2 px +{string.Join(" +", sides)} ", output);

        static string Percent(JsonElement row, string name) => Regex.Escape(
            (100 * row.GetProperty(name).GetDouble()).ToString("0.00", CultureInfo.InvariantCulture) + " %");
    }

    [Fact]
    public void One_class_is_taken_for_none()
    {
        using var output = new StringWriter();
        ClassTable.Write(Consoles.For(output), new ConfusionMatrix(new long[,] { { 5 } }, [2]), ["only"]);

        Assert.Matches(@"only +7 +71\.43 % +no class 2×", output.ToString());
    }

    [Fact]
    public async Task Small_batches_bring_no_chatter_of_libtorch_to_the_screen()
    {
        var (exitCode, output, error) = await ToolProcess.Run("evaluate", "--checkpoint", finished.Best, "--limit", "6", "--batch", "1");

        Assert.Equal(0, exitCode);
        Assert.Equal("", error);
        Assert.Contains("6 test images of shapes, synthetic", output, StringComparison.Ordinal);
        Assert.DoesNotContain("NNPACK", output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Help_names_every_option()
    {
        var (exitCode, output, error) = Here.Run("evaluate", "--help");

        Assert.Equal(0, exitCode);
        Assert.Equal("", error);
        string[] options =
        [
            "--checkpoint", "--data", "--data-root", "--layout", "--skip-damaged", "--split", "--image-size", "--limit", "--batch",
            "--shift", "--device",
            "--threads", "--json",
        ];
        Assert.All(options, option => Assert.Matches($@"\n  (-\w, )?{option}[, \n]", output));
    }

    [Theory]
    [InlineData("Option '--checkpoint' is required")]
    [InlineData("none.safetensors", "--checkpoint", "NONE")]
    [InlineData("cut.safetensors", "--checkpoint", "CUT")]
    [InlineData("head.safetensors", "--checkpoint", "HEAD")]
    [InlineData("text.safetensors", "--checkpoint", "TEXT")]
    [InlineData("is not a checkpoint of this trainer", "--checkpoint", "FOREIGN")]
    [InlineData("conv1.weight", "--checkpoint", "LACKING")]
    [InlineData("is a directory", "--checkpoint", "FOLDER")]
    [InlineData(
        "--data is 'fashion-mnits': known are shapes, fashion-mnist, mnist, cifar-10, cifar-100, svhn, svhn-extra, tiny-imagenet, folder. "
        + "Did you mean 'fashion-mnist'?", "--checkpoint", "BEST", "--data", "fashion-mnits")]
    [InlineData("was trained on shapes, 3×32×32 images", "--checkpoint", "BEST", "--data", "mnist", "--data-root", "IDX")]
    [InlineData("is not a folder", "--checkpoint", "BEST", "--data", "mnist", "--data-root", "NONE")]
    [InlineData("Did you mean --data folder?", "--checkpoint", "BEST", "--data-root", "FOLDER")]
    [InlineData("--batch is '0'", "--checkpoint", "BEST", "--batch", "0")]
    [InlineData("--shift is 32, the images have a side of 32 pixels", "--checkpoint", "BEST", "--shift", "32")]
    [InlineData("--split is 'tset': known are all, train, val, test. Did you mean 'test'?", "--checkpoint", "BEST", "--split", "tset")]
    [InlineData("--split is for --data folder; of shapes the test images are measured", "--checkpoint", "BEST", "--split", "train")]
    [InlineData("no option '--chekpoint' here. Did you mean '--checkpoint'?", "--chekpoint", "BEST")]
    public void Bad_input_is_refused_in_one_line(string expected, params string[] args)
    {
        var line = Here.Refusal(["evaluate", .. args.Select(Given)]);

        Assert.StartsWith("xsepconv evaluate: ", line);
        Assert.Contains(expected, line);
    }

    [Fact]
    public void A_damaged_IDX_file_is_named()
    {
        var root = TrainTests.IdxSet(folder);
        File.WriteAllBytes(Path.Combine(root, "t10k-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0]);

        var line = Here.Refusal("evaluate", "--checkpoint", finished.Best, "--data", "mnist", "--data-root", root);

        Assert.Contains("t10k-images-idx3-ubyte: ends inside the number of images", line);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Given(string argument)
    {
        switch (argument)
        {
            case "BEST": return finished.Best;
            case "FOLDER": return folder;
            case "NONE": return At("none.safetensors");
            case "IDX": return TrainTests.IdxSet(folder);
            case "CUT": return Write(At("cut.safetensors"), File.ReadAllBytes(finished.Best)[..^1000]);
            case "HEAD": return Write(At("head.safetensors"), File.ReadAllBytes(finished.Best)[..5]);
            case "TEXT": return Write(At("text.safetensors"), "no safetensors, but long enough"u8.ToArray());
            case "FOREIGN": return Copy(At("foreign.safetensors"), _ => true, new Dictionary<string, string>());
            case "LACKING":
                using (var file = SafeTensors.Open(finished.Best)) return Copy(
                    At("lacking.safetensors"), name => name != "conv1.weight", file.Metadata);
            default: return argument;
        }
    }

    private string Copy(string path, Func<string, bool> kept, IReadOnlyDictionary<string, string> metadata)
    {
        using var file = SafeTensors.Open(finished.Best);
        SafeTensors.Write(
            path, [.. file.Tensors.Values.Where(info => kept(info.Name))
            .Select(info => new SafeTensor(info.Name, info.Type, info.Shape, file.ReadBytes(info.Name)))], metadata);
        return path;
    }

    private static string Write(string path, byte[] bytes)
    {
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private string At(string name) => Path.Combine(folder, name);
}
