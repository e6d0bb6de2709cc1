using StbImageSharp;

namespace XSepConv.Training.Tests;

[Collection(TorchTests.Name)]
public sealed class CurvesTests : IDisposable
{
    private readonly RunFolder _run = new();

    private string Picture => Path.Combine(_run.Path, "curves.png");

    private string Events => Assert.Single(Directory.GetFiles(Path.Combine(_run.Path, "tensorboard")));

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Log_events_and_picture_are_there_after_each_epoch()
    {
        var moments = new List<(int Log, int Events, long Picture)>();
        var result = _run.Run(progress: report =>
        {
            if (report.Phase == "epoch")
            {
                moments.Add((File.ReadAllLines(_run.Log).Length, EventFile.Read(Events).Count() - 1, new FileInfo(Picture).Length));
            }
        });
        Assert.Null(result.Problem);
        Assert.Equal([(1, 1), (2, 2), (3, 3)], moments.Select(moment => (moment.Log, moment.Events)));
        Assert.Equal(3, moments.Select(moment => moment.Picture).Distinct().Count());

        // Another library than the one that drew it; two curves, so that there are at least two colours besides white, black and greys.
        var image = ImageResult.FromMemory(File.ReadAllBytes(Picture), ColorComponents.RedGreenBlue);
        Assert.Equal((1000, 420), (image.Width, image.Height));
        var red = 0;
        var blue = 0;
        for (var i = 0; i < image.Data.Length; i += 3)
        {
            if (image.Data[i] > image.Data[i + 2] + 60) red++;
            if (image.Data[i + 2] > image.Data[i] + 40) blue++;
        }

        Assert.True(red > 200 && blue > 200, $"{red} red and {blue} blue pixels");
    }

    [Fact]
    public void A_resumed_run_goes_on_with_both()
    {
        _run.RunInterrupted((2, 3, "train"), (3, 96, "validate"));
        Assert.Equal([0, 1, 2, 3], EventFile.Read(Events).Select(message => message.Step));
        Assert.Equal(
            [1, 2, 3], File.ReadAllLines(_run.Log).Select(
                line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("epoch").GetInt32()));
        Assert.True(File.Exists(Picture));
    }

    [Fact]
    public void A_run_that_is_replaced_leaves_nothing_behind()
    {
        _run.Run();
        _run.Run(_run.Options.By(recipe => recipe with { Epochs = 1 }) with { Overwrite = true });
        Assert.Equal([0, 1], EventFile.Read(Events).Select(message => message.Step));
    }
}
