using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

/// <summary>What a comparison times under three names is three ways of computing the same.</summary>
[Collection(TorchTests.Name)]
public sealed class LatencyContestantsTests
{
    [Fact]
    public void Each_takes_the_way_of_its_name_to_the_same_logits()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var data = RunFolder.Data;
        using var network = new MobileNet(TorchTests.Spec());
        var path = folder.At("network.safetensors");
        Checkpoint.Save(path, network, data);
        using var contestants = new LatencyContestants(path, ComparedData.Of(data, new()));
        Assert.Equal(LatencyContestants.WorkCount, contestants.Works.Length);
        var image = contestants.Image.to(ScalarType.Float64);
        using var exact = MobileNet.FromSafeTensors(path, dtype: ScalarType.Float64);
        exact.eval();
        var expected = exact.call(image).detach();
        var classes = expected.shape[1];

        var (libtorch, module, runtime) = (contestants.Works[0], contestants.Works[1], contestants.Works[2]);
        runtime();
        Assert.Null(contestants.ModuleLogits);
        Near(tensor(contestants.RuntimeLogits.ToArray()).reshape(1, classes));

        // In turns, as they are timed: each sets what the other left.
        for (var turn = 0; turn < 2; turn++)
        {
            libtorch();
            Near(contestants.ModuleLogits!);
            Assert.All(Layers(), layer => Assert.False(layer.IsCompiled || layer.Backend == XSepBackend.Fused, $"{layer.Name} is ours."));
            module();
            Near(contestants.ModuleLogits!);
            Assert.All(Layers(), layer => Assert.True(layer.IsCompiled, $"{layer.Name} is not compiled."));
        }

        IReadOnlyList<LayerProfile> Layers() => ModelProfile.Of(contestants.Network, contestants.Image.shape).Layers;

        // float32 against float64.
        void Near(Tensor logits) => Assert.InRange(((logits - expected).norm() / expected.norm()).ToDouble(), 0, 1e-5);
    }
}
