using System.Text.Json;

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
            "train", "--data", "folder", "--data-root", images, "--image-size", "24", "--augment", "strong", "--width", "0.25", "--epochs", "1", "--batch", "4", "--threads", "1", "--out", run, "--json");

        Assert.Equal(0, exitCode);
        Assert.Contains("2 classes, 3×24×24", error, StringComparison.Ordinal);
        Assert.Contains("2 random operations", error, StringComparison.Ordinal);
        Assert.Contains("waiting", error, StringComparison.Ordinal);
        Assert.Contains("\"dataWait\":", File.ReadAllText(Path.Combine(run, "log.jsonl")), StringComparison.Ordinal);

        var evaluated = Here.Run("evaluate", "--checkpoint", Path.Combine(run, "best.safetensors"), "--data-root", images, "--json");

        Assert.Equal(0, evaluated.ExitCode);
        var measured = JsonDocument.Parse(Here.SingleLine(evaluated.Out)).RootElement;
        Assert.Equal(2, measured.GetProperty("images").GetInt32());
        Assert.Single(Directory.GetFiles(Path.Combine(folder, "cache", "xsepconv", "folder")));

        // A class's images are all alike, so whichever was the test image, the runtime's answer is what evaluate has counted.
        var predicted = Here.Run("predict", "--checkpoint", Path.Combine(run, "best.safetensors"), "--json", Path.Combine(images, "black", "0.png"), Path.Combine(images, "white", "0.png"));

        Assert.Equal(0, predicted.ExitCode);
        var answers = JsonDocument.Parse(Here.SingleLine(predicted.Out)).RootElement.GetProperty("images").EnumerateArray();
        var likeliest = answers.Select(answer => answer.GetProperty("top")[0].GetProperty("name").GetString()).ToList();
        Assert.Equal(measured.GetProperty("top1").GetDouble(), likeliest.Zip(["black", "white"]).Count(pair => pair.First == pair.Second) / 2.0);
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

        string[] train = ["train", "--data", "folder", "--data-root", images, "--image-size", "16", "--width", "0.25", "--epochs", "1", "--threads", "1", "--out", Path.Combine(folder, "run")];
        var (exitCode, _, line) = Here.Run([.. train, "--background", "black"]);

        Assert.Equal(2, exitCode);
        Assert.Contains("training images of folder are the same, pixel by pixel (nothing but #000000)", line, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder, "run")));
        Assert.Contains("are the same, pixel by pixel (a picture of several colours)", Here.Run(train).Error, StringComparison.Ordinal);
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
            "train", "--data", "folder", "--data-root", images, "--background", "#00ff00", "--image-size", "16", "--augment", "none", "--width", "0.25", "--epochs", "1", "--batch", "4",
            "--threads", "1", "--out", run, "--json");

        Assert.True(exitCode == 0, error);
        var best = Path.Combine(run, "best.safetensors");
        using (var file = SafeTensors.Open(best)) Assert.Equal(new Rgb(0, 255, 0), DataSpec.FromJson(file.Metadata[DataSpec.MetadataKey]).Background);

        // The decoded images of the run are what evaluation finds: another background would be another file.
        var decoded = Path.Combine(folder, "cache", "xsepconv", "folder");
        Assert.Equal(0, Here.Run("evaluate", "--checkpoint", best, "--data-root", images, "--json").ExitCode);
        Assert.Single(Directory.GetFiles(decoded));
        Assert.Equal(0, Here.Run("evaluate", "--checkpoint", best, "--data-root", images, "--background", "white", "--json").ExitCode);
        Assert.Equal(2, Directory.GetFiles(decoded).Length);
    }

    [Theory]
    [InlineData("--background is 'grey': white, black, or # and six hexadecimal digits are right.", "--data", "folder", "--background", "grey")]
    [InlineData("--background is for --data folder; no image of shapes is see-through.", "--data", "shapes", "--background", "white")]
    public void A_background_that_is_none_is_refused(string expected, params string[] args) =>
        Assert.Contains(expected, Here.Refusal(["train", "--out", Path.Combine(folder, "run"), .. args]), StringComparison.Ordinal);

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
