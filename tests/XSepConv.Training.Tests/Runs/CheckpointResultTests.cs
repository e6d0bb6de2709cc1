namespace XSepConv.Training.Tests;

/// <summary>What a file says that its weights came to, against what they come to.</summary>
[Collection(TorchTests.Name)]
public sealed class CheckpointResultTests : IDisposable
{
    private readonly RunFolder _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(0.9)]
    public void A_result_is_that_of_the_weights_beside_it(double average)
    {
        var options = _run.Options.By(recipe => recipe with { Epochs = 2, EmaDecay = average });
        RunFolder.RunUntil(report => report is { Epoch: 1, Step: 3, Phase: "train" }, options);
        Assert.Equal((null, 0), Measured(_run.Last));
        options = options with { Resume = true };

        // Trained, not yet validated.
        RunFolder.RunUntil(report => report is { Epoch: 1, Step: 6, Phase: "train" }, options);
        Assert.Equal((null, 0), Measured(_run.Last));
        RunFolder.RunUntil(report => report is { Epoch: 2, Step: 2, Phase: "train" }, options);
        Assert.Equal((null, 0), Measured(_run.Last));
        Assert.Equal((1, 1), Measured(_run.Best));
        RunFolder.RunUntil(report => report is { Epoch: 2, Step: 6, Phase: "train" }, options);
        Assert.Equal((null, 0), Measured(_run.Last));
        var result = _run.Run(options);
        Assert.Equal((average > 0 ? null : 2, 2), Measured(_run.Last));
        Assert.Equal((result.BestEpoch, result.BestEpoch), Measured(_run.Best));
    }

    /// <summary>The epoch that the result is of, if there is one, and the epoch of the weights.</summary>
    private static (int? Result, int Epoch) Measured(string path)
    {
        using var loaded = Checkpoint.Load(path);
        var (threads, cancel) = (TorchSharp.torch.get_num_threads(), TestContext.Current.CancellationToken);
        TorchSharp.torch.set_num_threads(1);
        var measured = Evaluator.Evaluate(loaded.Network, RunFolder.Data.Validation, loaded.Normalization, cancel: cancel);
        TorchSharp.torch.set_num_threads(threads);
        if (loaded.Result is { } result)
        {
            Assert.Equal((measured.Top1, measured.Loss), (result.ValidationTop1, result.ValidationLoss));
        }

        return (loaded.Result?.Epoch, loaded.Epoch);
    }
}
