using System.Text.Json;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Tests;

/// <summary>Your own images, from the folder to the evaluation.</summary>
public sealed class FolderTests : IDisposable
{
    private const string CacheVariable = "XDG_CACHE_HOME";

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;
    private readonly string? cache = Environment.GetEnvironmentVariable(CacheVariable);

    public FolderTests() => Environment.SetEnvironmentVariable(CacheVariable, Path.Combine(folder, "cache"));

    [Fact]
    public void A_folder_is_trained_on_and_evaluated_in_the_size_it_was_trained_in()
    {
        var images = Images();
        var run = Path.Combine(folder, "run");

        var (exitCode, _, error) = Here.Run(
            "train", "--data", "folder", "--data-root", images, "--image-size", "24", "--augment", "strong", "--width", "0.25", "--epochs",
            "1", "--batch", "4", "--threads", "1", "--out", run, "--json");

        Assert.Equal(0, exitCode);
        Assert.Contains("2 classes, 3×24×24", error, StringComparison.Ordinal);
        Assert.Contains("2 random operations", error, StringComparison.Ordinal);
        Assert.Contains("waiting", error, StringComparison.Ordinal);
        Assert.Contains("\"dataWait\":", File.ReadAllText(Path.Combine(run, "log.jsonl")), StringComparison.Ordinal);

        var test = Here.Run(
            "evaluate", "--checkpoint", Path.Combine(run, "best.safetensors"), "--data-root", images, "--split", "test", "--json");

        Assert.Equal(0, test.ExitCode);
        Assert.Equal(2, JsonDocument.Parse(Here.SingleLine(test.Out)).RootElement.GetProperty("images").GetInt32());

        var evaluated = Here.Run("evaluate", "--checkpoint", Path.Combine(run, "best.safetensors"), "--data-root", images, "--json");

        Assert.Equal(0, evaluated.ExitCode);
        Assert.Contains("--split test measures those that it did not see", Unwrapped(evaluated.Error), StringComparison.Ordinal);
        var measured = JsonDocument.Parse(Here.SingleLine(evaluated.Out)).RootElement;
        Assert.Equal(12, measured.GetProperty("images").GetInt32());
        Assert.Single(Directory.GetFiles(Path.Combine(folder, "cache", "xsepconv", "folder")));

        // A class's images are all alike, so the runtime's answer to one of them is what evaluate has counted for all.
        var predicted = Here.Run("predict", "--checkpoint", Path.Combine(run, "best.safetensors"), "--json",
            Path.Combine(images, "black", "0.png"), Path.Combine(images, "white", "0.png"));

        Assert.Equal(0, predicted.ExitCode);
        var answers = JsonDocument.Parse(Here.SingleLine(predicted.Out)).RootElement.GetProperty("images").EnumerateArray();
        var likeliest = answers.Select(answer => answer.GetProperty("top")[0].GetProperty("name").GetString()).ToList();
        Assert.Equal(
            measured.GetProperty("top1").GetDouble(), likeliest.Zip(["black", "white"]).Count(pair => pair.First == pair.Second) / 2.0);
    }

    [Fact]
    public void Evaluation_says_whether_the_test_images_are_those_that_training_kept()
    {
        // As an archive unpacks: flowers/flowers/class/file.
        var (inner, outer) = (Path.Combine(folder, "flowers", "flowers"), Path.Combine(folder, "flowers"));
        Directory.CreateDirectory(outer);
        Directory.Move(Images(), inner);
        var best = Path.Combine(folder, "run", "best.safetensors");
        var (exitCode, _, error) = Here.Run(
            "train", "--data", "folder", "--data-root", outer, "--image-size", "16", "--width", "0.25", "--epochs", "1", "--batch", "4",
            "--threads", "1", "--out", Path.Combine(folder, "run"));
        Assert.True(exitCode == 0, error);
        Assert.Equal((true, false), Evaluate(outer));
        Assert.Equal((true, false), Evaluate(inner));

        // Of 26 images of a class two are for the test, where one was.
        foreach (var name in new[] { "black", "white" })
        {
            for (var i = 10; i < 30; i++) File.Copy(Path.Combine(inner, name, "0.png"), Path.Combine(inner, name, $"{i}.png"));
        }

        Assert.Equal((false, true), Evaluate(outer));
        Assert.Contains("it may have learned some of them", Unwrapped(
            Here.Run("evaluate", "--checkpoint", best, "--data-root", outer, "--split", "test").Error), StringComparison.Ordinal);

        // Others of the same names.
        foreach (var file in Directory.GetFiles(Path.Combine(inner, "white"))) File.Copy(Path.Combine(inner, "black", "1.png"), file, overwrite: true);
        Assert.Equal((false, true), Evaluate(outer));

        // A converted network has learned what the first one has; of a file from before this was kept nothing is known.
        var old = Path.Combine(folder, "old.safetensors");
        using (var file = SafeTensors.Open(best))
        {
            var data = DataSpec.FromJson(file.Metadata[DataSpec.MetadataKey]);
            Assert.StartsWith("contents:", data.TestImages, StringComparison.Ordinal);
            SafeTensors.Write(
                old, file.Tensors.Values.Select(info => new SafeTensor(info.Name, info.Type, info.Shape, file.ReadBytes(info.Name))),
                new Dictionary<string, string>(file.Metadata) { [DataSpec.MetadataKey] = (data with { TestImages = null }).ToJson() });
        }

        best = old;
        Assert.Equal((null, false), Evaluate(outer));

        (bool? Same, bool IsWarned) Evaluate(string root)
        {
            var (exitCode, output, error) = Here.Run(
                "evaluate", "--checkpoint", best, "--data-root", root, "--split", "test", "--json");
            Assert.True(exitCode == 0, error);
            var same = JsonDocument.Parse(Here.SingleLine(output)).RootElement.GetProperty("sameTestImages");
            return (same.ValueKind == JsonValueKind.Null ? null : same.GetBoolean(),
                error.Contains("xsepconv evaluate: warning:", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void The_size_that_was_taken_is_said_and_pictures_are_mirrored_only_where_that_is_typed()
    {
        string[] train =
        [
            "train", "--data", "folder", "--data-root", Images(), "--width", "0.25", "--epochs", "1", "--batch", "4", "--threads", "1",
                "--json",
            "--out", Path.Combine(folder, "run"),
        ];
        var (exitCode, _, error) = Here.Run(train);
        Assert.True(exitCode == 0, error);
        Assert.Contains("not mirrored", error, StringComparison.Ordinal);
        Assert.Contains("pictures are 1×1: their middle squares are scaled to 64×64", Unwrapped(error), StringComparison.Ordinal);
        var mirrored = Here.Run([.. train, "--overwrite", "--flip", "horizontal"]);
        Assert.Contains("half of them mirrored", mirrored.Error, StringComparison.Ordinal);
        Assert.Contains("horizontal flip: yes there, no now", Unwrapped(Here.Refusal([.. train, "--resume"])), StringComparison.Ordinal);
    }

    // The last blocks have 1/8 of the image's side with the cifar preset, 1/32 with the other.
    [Theory]
    [InlineData("cifar", 8, "images of 8×8 end as a single pixel; larger ones keep more of them.")]
    [InlineData("imagenet", 32, "images of 32×32 end as a single pixel; --preset cifar keeps more of them.")]
    [InlineData("cifar", 16, null)]
    public void Images_that_end_as_a_single_pixel_are_told_of_with_what_would_help(string preset, int size, string? note)
    {
        var (exitCode, _, error) = Here.Run(
            "train", "--data", "folder", "--data-root", Images(), "--preset", preset, "--image-size", $"{size}", "--width", "0.1",
            "--epochs", "1", "--batch", "4", "--threads", "1", "--out", Path.Combine(folder, "run"), "--json");
        Assert.Equal(0, exitCode);
        if (note is null) Assert.DoesNotContain("single pixel", error, StringComparison.Ordinal);
        else Assert.Contains(note, Unwrapped(error), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_without_what_is_damaged_says_so_everywhere_and_is_resumed_only_like_that()
    {
        var images = Images();
        File.WriteAllText(Path.Combine(images, "black", "7.png"), "no image");
        File.WriteAllText(Path.Combine(images, "white", "7.gif"), "GIF89a");
        File.WriteAllText(Path.Combine(images, "labels.csv"), "none");
        var run = Path.Combine(folder, "run");
        string[] train = ["train", "--data", "folder", "--data-root", images, "--image-size", "16", "--width", "0.1", "--epochs", "1",
            "--batch", "4", "--threads", "1", "--out", run, "--json"];

        var refused = Here.Run(train);
        Assert.Equal((2, ""), (refused.ExitCode, refused.Out));
        Assert.Contains("2 of 14 pictures can't be read: white/7.gif: is a GIF file; PNG and JPEG are read; black/7.png: is neither",
            Here.Message(refused.Error), StringComparison.Ordinal);

        var (exitCode, output, error) = Here.Run([.. train, "--skip-damaged"]);

        Assert.Equal(0, exitCode);
        Assert.Contains(" left out: 1 × .csv, no picture: labels.csv", Unwrapped(error), StringComparison.Ordinal);
        Assert.Contains(" left out: 2 × picture that can't be read: white/7.gif is a GIF file", Unwrapped(error), StringComparison.Ordinal);
        Assert.Contains("\"skippedImages\":2", File.ReadAllText(Path.Combine(run, "log.jsonl")), StringComparison.Ordinal);
        var data = JsonDocument.Parse(Here.SingleLine(output)).RootElement.GetProperty("data");
        Assert.Equal(["black", "white"], data.GetProperty("classes").EnumerateArray().Select(one => one.GetProperty("name").GetString()));
        Assert.Equal([4, 4], data.GetProperty("classes").EnumerateArray().Select(one => one.GetProperty("train").GetInt32()));
        Assert.Equal(["white/7.gif", "black/7.png"],
            data.GetProperty("found").GetProperty("skipped").EnumerateArray().Select(file => file.GetProperty("name").GetString()));

        // Without the damaged files there is nothing to skip, and it is another data set.
        Assert.Equal(0, Here.Run([.. train, "--skip-damaged", "--resume"]).ExitCode);
        File.Delete(Path.Combine(images, "black", "7.png"));
        File.Delete(Path.Combine(images, "white", "7.gif"));
        var other = Here.Run([.. train, "--resume"]);
        Assert.Equal((2, ""), (other.ExitCode, other.Out));
        Assert.Contains("pictures left out: 2, ",
            Here.Message(other.Error[other.Error.IndexOf("xsepconv train: ", StringComparison.Ordinal)..]), StringComparison.Ordinal);
    }

    [Fact]
    public void Images_of_each_class_are_shown_before_training_and_fit_forty_columns()
    {
        var classes = Enumerable.Range(0, 30).Select(i => new ClassCount($"a class with a rather long name, number {i}", 1000 + i, 100, 10))
            .ToList();
        using var screen = new StringWriter();
        var console = Consoles.For(screen);
        console.Profile.Width = 40;
        DataTable.Write(
            console, classes, new() { LeftOut = [new(".txt, no picture", 4, ["a/1.txt", "a/2.txt", "a/3.txt"])], Warnings = ["mind."] });
        var lines = screen.ToString().Split('\n');

        Assert.All(lines, line => Assert.InRange(line.TrimEnd().Length, 0, 40));

        // 8 + … + 26 is 19 · 17, so that the nineteen in the middle have 19 · 1017.
        Assert.Contains(
            lines, line => line.Contains("… 19", StringComparison.Ordinal) && line.Contains("19,323", StringComparison.Ordinal));
        Assert.Contains(
            lines, line => line.Contains("all 30", StringComparison.Ordinal) && line.Contains("30,435", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("1,029", StringComparison.Ordinal));
        Assert.Contains(" left out: 4 × .txt, no picture:", screen.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_fewer_classes_is_evaluated_by_their_names()
    {
        using var network = TrainedFile.Network(3, 3);
        var checkpoint = TrainedFile.Write(
            Path.Combine(folder, "net.safetensors"), network, TrainedFile.Data(3, 20, "white", "red", "black"));
        var images = Images();
        Directory.Delete(Path.Combine(images, "white"), recursive: true);

        var (exitCode, output, error) = Here.Run(
            "evaluate", "--checkpoint", checkpoint, "--data-root", images, "--image-size", "24", "--json");

        Assert.True(exitCode == 0, error);
        Assert.Contains("the images are 24×24; the network was trained on 20×20", Unwrapped(error), StringComparison.Ordinal);
        var report = JsonDocument.Parse(Here.SingleLine(output)).RootElement;
        Assert.Equal("all", report.GetProperty("split").GetString());
        Assert.Equal([0, 0, 6], report.GetProperty("classes").EnumerateArray().Select(one => one.GetProperty("images").GetInt32()));
        Assert.Equal([0, 0, 0], report.GetProperty("classes").EnumerateArray().Select(one => one.GetProperty("unanswered").GetInt32()));
        var confusion = report.GetProperty("confusion").EnumerateArray()
            .Select(row => row.EnumerateArray().Select(count => count.GetInt32()).ToArray()).ToArray();
        Assert.Equal([0, 0, 6], confusion.Select(row => row.Sum()));

        // All six are alike, so the network takes them all for the same.
        Assert.Contains(6, confusion[2]);
        Assert.Equal(confusion[2][2] / 6.0, report.GetProperty("top1").GetDouble());

        Directory.Move(Path.Combine(images, "black"), Path.Combine(images, "blue"));
        Assert.Contains("does not know the class 'blue'; it tells apart 'white', 'red', 'black'.",
            Here.Refusal("evaluate", "--checkpoint", checkpoint, "--data-root", images), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("train", "run")]
    [InlineData("train", ".")]
    [InlineData("compare", "runs/deep")]
    [InlineData("ablate", "black/run")]
    public void A_run_among_the_classes_that_it_learns_is_refused_before_anything_is_made(string command, string inside)
    {
        var images = Images();
        var output = Path.Combine(images, inside);

        var message = Here.Refusal(command, "--data", "folder", "--data-root", images, "--out", output);

        Assert.Contains(
            $"--out is '{output}', which lies in --data-root '{images}', whose folders are classes", message, StringComparison.Ordinal);
        Assert.Contains("give a folder outside it", message, StringComparison.Ordinal);
        Assert.Equal(["black", "white"], Directory.GetFileSystemEntries(images).Select(Path.GetFileName).Order());
        Assert.Equal(6, Directory.GetFileSystemEntries(Path.Combine(images, "black")).Length);
    }

    [Fact]
    public void A_damaged_image_is_named_in_one_line()
    {
        var images = Images();
        File.WriteAllText(Path.Combine(images, "black", "7.png"), "no image");

        var line = Here.Refusal("train", "--data", "folder", "--data-root", images, "--out", Path.Combine(folder, "run"));

        Assert.Contains($"{Path.Combine(images, "black", "7.png")}: is neither a PNG nor a JPEG file", line, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder, "run")));
    }

    [Fact]
    public void Training_images_that_are_all_the_same_are_named_before_training()
    {
        // Shapes in alpha, black: on black there is nothing to see.
        var images = Path.Combine(folder, "images");
        foreach (var i in Enumerable.Range(0, 8))
        {
            Directory.CreateDirectory(Path.Combine(images, $"class {i % 2}"));
            File.Copy(Pictures.At("kinds/shape-in-alpha.png"), Path.Combine(images, $"class {i % 2}", $"{i}.png"));
        }

        string[] train = ["train", "--data", "folder", "--data-root", images, "--image-size", "16", "--width", "0.25", "--epochs", "1",
            "--threads", "1", "--out", Path.Combine(folder, "run")];
        var (exitCode, _, line) = Here.Run([.. train, "--background", "black"]);

        Assert.Equal(2, exitCode);
        Assert.Contains(
            "training images of folder are the same, pixel by pixel (nothing but #000000)", Here.Message(line), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder, "run")));
        Assert.Contains(
            "are the same, pixel by pixel (a picture of several colours)", Here.Message(Here.Run(train).Error), StringComparison.Ordinal);
    }

    [Fact]
    public void The_background_of_training_is_in_the_checkpoint_and_evaluation_uses_it()
    {
        // Only the background tells the classes apart: a hole in red, and red.
        var images = Path.Combine(folder, "images");
        foreach (var i in Enumerable.Range(0, 8))
        {
            Directory.CreateDirectory(Path.Combine(images, $"class {i % 2}"));
            File.Copy(Pictures.At(i % 2 == 0 ? "kinds/half-red.png" : "kinds/red.png"), Path.Combine(images, $"class {i % 2}", $"{i}.png"));
        }

        var run = Path.Combine(folder, "run");
        var (exitCode, _, error) = Here.Run(
            "train", "--data", "folder", "--data-root", images, "--background", "#00ff00", "--image-size", "16", "--augment", "none",
            "--width", "0.25", "--epochs", "1", "--batch", "4",
            "--threads", "1", "--out", run, "--json");

        Assert.True(exitCode == 0, error);
        var best = Path.Combine(run, "best.safetensors");
        using (var file = SafeTensors.Open(best)) Assert.Equal(
            new Rgb(0, 255, 0), DataSpec.FromJson(file.Metadata[DataSpec.MetadataKey]).Background);

        // The decoded images of the run are what evaluation finds: another background would be another file.
        var decoded = Path.Combine(folder, "cache", "xsepconv", "folder");
        Assert.Equal(0, Here.Run("evaluate", "--checkpoint", best, "--data-root", images, "--json").ExitCode);
        Assert.Single(Directory.GetFiles(decoded));
        Assert.Equal(0, Here.Run("evaluate", "--checkpoint", best, "--data-root", images, "--background", "white", "--json").ExitCode);
        Assert.Equal(2, Directory.GetFiles(decoded).Length);

        // An imported network has none: alpha is dropped. What trains on from it sees the same, and here that is no difference.
        var dropped = Path.Combine(folder, "dropped.safetensors");
        using (var file = SafeTensors.Open(best))
        {
            var metadata = file.Metadata.ToDictionary();
            metadata[DataSpec.MetadataKey] = (DataSpec.FromJson(metadata[DataSpec.MetadataKey]) with { Background = null }).ToJson();
            SafeTensors.Write(
                dropped,
                file.Tensors.Values.Select(info => new SafeTensor(info.Name, info.Type, info.Shape, file.ReadBytes(info.Name))), metadata);
        }

        (exitCode, _, error) = Here.Run(
            "train", "--init", dropped, "--data", "folder", "--data-root", images, "--augment", "none", "--epochs", "1", "--batch", "4",
            "--threads", "1", "--out", Path.Combine(folder, "second"), "--json");
        Assert.Equal(2, exitCode);
        var words = error.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("(nothing but #ff0000)", string.Join(' ', words), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "--background is 'grey': white, black, or # and six hexadecimal digits are right.", "--data", "folder", "--background", "grey")]
    [InlineData("--background is for --data folder; no image of shapes is see-through.", "--data", "shapes", "--background", "white")]
    public void A_background_that_is_none_is_refused(string expected, params string[] args) =>
        Assert.Contains(expected, Here.Refusal(["train", "--out", Path.Combine(folder, "run"), .. args]), StringComparison.Ordinal);

    private static string Unwrapped(string text) => string.Join(' ', text.Split('\n').Select(line => line.TrimEnd()));

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(CacheVariable, cache);
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Two classes of six images: 1×1 PNG files, black and white, as ImageMagick writes them.</summary>
    private string Images()
    {
        var root = Path.Combine(folder, "images");
        foreach (var (name, png) in new[]
        {
            ("black", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVQI12NgAAAAAgAB4iG8MwAAAABJRU5ErkJggg=="),
            ("white", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVQI12NoAAAAggCB3UNq9AAAAABJRU5ErkJggg=="),
        })
        {
            Directory.CreateDirectory(Path.Combine(root, name));
            for (var i = 0; i < 6; i++) File.WriteAllBytes(Path.Combine(root, name, $"{i}.png"), Convert.FromBase64String(png));
        }

        return root;
    }
}
