using static XSepConv.BlockKind;
using static XSepConv.SqueezeExcite;

namespace XSepConv.Training.Tests;

/// <summary>What a run leaves and says when memory or disk are used up.</summary>
[Collection(TorchTests.Name)]
public sealed class EndTests : IDisposable
{
    private readonly RunFolder _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Too_little_memory_ends_with_what_to_do_and_the_last_checkpoint()
    {
        // The stem's map of a batch is 4096 · 65536 · 32 · 32 floats, 1.1 TB, its weights 7 MB: the weights fit and the step does not.
        var network =
            TorchTests.Spec() with { StemChannels = 65_536, StemStride = 1, Blocks = [new(Dw, 3, 65_536, 4, 8, Activation.ReLU, None, 2)] };
        var data = Sets.Open("shapes", new() { Limit = 4_000 });
        var error = Assert.Throws<TrainingMemoryException>(() =>
            new Trainer(_run.Options.By(recipe => recipe with { BatchSize = 4_000 }) with { Network = network }, data).Run(
                cancel: TestContext.Current.CancellationToken));
        Assert.Contains("not enough memory for batches of", error.Message, StringComparison.Ordinal);
        Assert.Contains("last.safetensors is kept, from 0 whole epochs and 0 steps", error.Message, StringComparison.Ordinal);
        Assert.Contains("A smaller batch needs less", error.Message, StringComparison.Ordinal);
        using var kept = Checkpoint.Load(_run.Last);
        Assert.Equal(network, kept.Spec);
    }

    [Theory]
    [InlineData(512, 4, 64)] // 48 MiB of pixels: 805 MB as floats, in batches of 256
    [InlineData(512, 72, 72)] // training has taken more already
    [InlineData(224, 4, 256)]
    [InlineData(32, 300, 300)]
    [InlineData(8_000, 2, 2)]
    public void Large_images_are_validated_in_small_batches(int size, int batch, int expected)
    {
        var image = new ImageSplit(new byte[3 * size * size], new int[1], 3, size, size);
        Assert.Equal(expected, Evaluator.BatchSize(batch, image));
    }

    [Fact]
    public void Too_little_memory_for_a_validation_is_no_matter_of_the_batch()
    {
        var error = Assert.Throws<TrainingMemoryException>(() => _run.Run(progress: report =>
        {
            if (report is { Epoch: 1, Phase: "validate" }) throw new InsufficientMemoryException();
        }));
        Assert.Contains("not enough memory to validate 256 images at once", error.Message, StringComparison.Ordinal);
        Assert.Contains("last.safetensors is kept, from 0 whole epochs and 6 steps", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("smaller batch", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_can_t_be_written_ends_with_what_to_do_and_the_run_goes_on_later()
    {
        // A folder where the file should be: it can't be replaced, for root neither.
        using var whole = new RunFolder();
        var expected = whole.Run();
        var error = Assert.Throws<TrainingStorageException>(() => _run.Run(progress: report =>
        {
            if (report is not { Epoch: 2, Step: 1, Phase: "train" }) return;
            File.Delete(_run.Log);
            Directory.CreateDirectory(_run.Log);
        }));
        Assert.Contains("log.jsonl is a directory", error.Message, StringComparison.Ordinal);
        Assert.Contains("last.safetensors is kept, from 2 whole epochs and 0 steps", error.Message, StringComparison.Ordinal);
        Assert.Contains("Make room (a checkpoint takes 0.", error.Message, StringComparison.Ordinal);
        Assert.Contains("resume the run", error.Message, StringComparison.Ordinal);

        Directory.Delete(_run.Log);
        Assert.Equal(expected.History, _run.Run(_run.Options with { Resume = true }).History);
        Assert.Equal(File.ReadAllBytes(whole.Last), File.ReadAllBytes(_run.Last));
    }

    [Fact]
    public void Best_weights_that_can_t_be_written_are_written_later_and_the_epoch_is_kept()
    {
        using var whole = new RunFolder();
        var expected = whole.Run();
        var error = Assert.Throws<TrainingStorageException>(() => _run.Run(progress: report =>
        {
            if (report is { Epoch: 1, Step: 1, Phase: "train" }) Directory.CreateDirectory(_run.Best);
        }));
        Assert.Contains("best.safetensors is a directory", error.Message, StringComparison.Ordinal);
        Assert.Contains("last.safetensors is kept, from 1 whole epochs and 0 steps", error.Message, StringComparison.Ordinal);

        Directory.Delete(_run.Best);
        Assert.Equal(expected.History, _run.Run(_run.Options with { Resume = true }).History);
        Assert.Equal(File.ReadAllBytes(whole.Best), File.ReadAllBytes(_run.Best));
        Assert.Equal(File.ReadAllBytes(whole.Last), File.ReadAllBytes(_run.Last));
    }
}
