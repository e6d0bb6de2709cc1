using XSepConv.Core.Tests.Fused;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Transfer;

/// <summary>The maps of every kind of network in float32, as they run by themselves, beside float64 layer by layer.</summary>
public sealed class FeatureMapsTests
{
    // Of a map's norm: twenty layers of float32, a few millionths each.
    private const double MapTolerance = 1e-4;

    // Median over the parameters: a value near a kink moves all gradients below it, by 0.7 % where most was seen; which values are near one
    // depends on the processor. A wrong gradient is off by itself.
    private const double GradientTolerance = 0.03;

    public static TheoryData<string, bool> Networks()
    {
        var networks = new TheoryData<string, bool>();
        foreach (var name in NetworkCatalog.Names.Append("without-2x2"))
        {
            networks.Add(name, true);
            networks.Add(name, false);
        }

        return networks;
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void They_and_their_gradients_are_those_of_float64(string name, bool training)
    {
        using var thread = new OneThread();
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var options = new MobileNetV3Options { NumClasses = 3, Preset = ImagePreset.Cifar, Width = 0.25 };
        var spec = name == "without-2x2" ? MobileNetV3SmallSpec.XSep(options).WithoutTwoByTwo() : NetworkCatalog.Build(name, options);
        using var exact = new MobileNet(spec, dtype: ScalarType.Float64);
        using var network = new MobileNet(spec);
        StagePair.Copy(exact, network);
        exact.SetXSepBackend(XSepBackend.Composed);
        exact.train(training);
        network.train(training);
        var images = randn(8, 3, 32, 32);
        var (expected, actual) = (exact.Features(images.to(ScalarType.Float64)), network.Features(images));
        Assert.Equal(network.FeatureInfo.Select(info => (long)info.Channels), actual.Select(map => map.size(1)));
        Assert.All(expected.Zip(actual), maps => Assert.InRange(Distance(maps.Second, maps.First), 0, MapTolerance));

        // Each map counts, as in a detector.
        foreach (var maps in new[] { expected, actual }) maps.Select(map => map.square().mean()).Aggregate((sum, one) => sum + one).backward();
        var distances = exact.named_parameters().Zip(network.parameters())
            .Where(pair => pair.First.parameter.grad is { } gradient && gradient.norm().item<double>() > 1e-12)
            .Select(pair => Distance(pair.Second.grad!, pair.First.parameter.grad!)).Order().ToList();
        Assert.True(distances.Count > exact.parameters().Count() / 2, $"{distances.Count} gradients");
        Assert.InRange(distances[distances.Count / 2], 0, GradientTolerance);
    }

    private static double Distance(Tensor actual, Tensor expected) =>
        ((actual.to(ScalarType.Float64) - expected).norm() / expected.norm()).item<double>();
}
