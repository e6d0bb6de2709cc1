namespace XSepConv.Training.Tests;

/// <summary>The blocks of MobileNetV2 and V3 in the trainer.</summary>
[Collection(TorchTests.Name)]
public sealed class PaperNetworksTests : IDisposable
{
    private readonly RunFolder _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("MobileNetV2")]
    [InlineData("MobileNetV3-Small")]
    public void A_network_of_inverted_residuals_learns_and_goes_on_where_it_was_interrupted(string name)
    {
        var network = PaperNetworks.Of(name, 0.25, small: true);
        using var whole = new RunFolder();
        var expected = whole.Run(whole.Options with { Network = network });
        Assert.True(
            expected.History[^1].TrainLoss < expected.History[0].TrainLoss,
            $"{expected.History[0].TrainLoss} to {expected.History[^1].TrainLoss}");

        var options = _run.Options with { Network = network };
        RunFolder.RunUntil(report => report is { Epoch: 2, Step: >= 3, Phase: "train" }, options);
        var resumed = _run.Run(options with { Resume = true });
        Assert.Equal(expected.History, resumed.History);
        Assert.Equal(File.ReadAllBytes(whole.Last), File.ReadAllBytes(_run.Last));
        using var trained = MobileNet.FromSafeTensors(_run.Best);
        Assert.Equal(network, trained.Spec with { Dropout = network.Dropout });
    }
}
