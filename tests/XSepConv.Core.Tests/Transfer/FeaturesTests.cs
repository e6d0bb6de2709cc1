using TorchSharp.Modules;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Transfer;

/// <summary>Maps and features are those of torchvision's networks, where timm takes them.</summary>
public sealed class FeaturesTests(TorchVisionWeights weights) : IClassFixture<TorchVisionWeights>
{
    private const double Float64 = 1e-11;

    // timm's feature_info.channels() and the modules that they come from here.
    public static TheoryData<string, int[], string[]> Models => new()
    {
        { "mobilenet_v3_small", [16, 16, 24, 48, 576], ["conv1", "bneck.0", "bneck.2", "bneck.7", "conv2"] },
        { "mobilenet_v3_large", [16, 24, 40, 112, 960], ["bneck.0", "bneck.2", "bneck.5", "bneck.11", "conv2"] },
        { "mobilenet_v2", [16, 24, 32, 96, 320], ["bneck.0", "bneck.2", "bneck.5", "bneck.12", "bneck.16"] },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void Maps_features_and_logits_are_torchvisions(string model, int[] channels, string[] modules)
    {
        weights.Require();
        using var oneThread = new OneThread();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        const PretrainedSource Source = PretrainedSource.TorchVision;
        var answers = weights.Answers(Source, model);
        var images = answers["images"];
        using var network = MobileNet.FromPretrained(weights.File(Source, model), Source, model, dtype: float64);
        network.eval();
        Assert.Equal(channels.Zip([2, 4, 8, 16, 32], modules), network.FeatureInfo.Select(info => (info.Channels, info.Reduction, info.Module)));

        var maps = network.Features(images);
        Assert.Equal(5, maps.Count);
        for (var i = 0; i < 5; i++) Close(answers[$"map/{i}"], maps[i]);
        var two = network.Features(images, 3, 1);
        Assert.Equal(2, two.Count);
        Close(answers["map/1"], two[0]);
        Close(answers["map/3"], two[1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => network.Features(images, 5));

        var last = network.ForwardFeatures(images);
        Close(answers["logits"], network.ForwardHead(last));
        Close(answers["features"], network.ForwardHead(last, preLogits: true));
        network.ResetClassifier(0);
        Close(answers["features"], network.call(images));
        Assert.DoesNotContain(network.state_dict().Keys, key => key.StartsWith("linear4", StringComparison.Ordinal));

        var single = images.to(float32).contiguous().data<float>().ToArray();
        using var session = network.Compile().CreateSession(3, 1, 96, 64);
        var compiled = new float[3 * network.Spec.Outputs];
        session.Run(single, compiled);
        Close(answers["features"], tensor(compiled).view(3, -1).to(float64), 1e-5);
    }

    [Fact]
    public void A_new_classifier_replaces_the_old_one_and_goes_into_files()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        using var network = Small();
        var before = network.state_dict().Where(entry => !entry.Key.StartsWith("linear4", StringComparison.Ordinal)).ToDictionary(entry => entry.Key, entry => TensorBytes.Doubles(entry.Value));
        network.ResetClassifier(3);
        Assert.Equal(3, network.Spec.NumClasses);
        Assert.Equal(before, network.state_dict().Where(entry => before.ContainsKey(entry.Key)).ToDictionary(entry => entry.Key, entry => TensorBytes.Doubles(entry.Value)));
        network.eval();
        var images = randn(2, 3, 32, 32);
        var logits = network.call(images);
        Assert.Equal([2L, 3], logits.shape);
        network.SaveSafeTensors(folder.File("net"));
        using var again = MobileNet.FromSafeTensors(folder.File("net"));
        again.eval();
        Assert.Equal(logits.data<float>().ToArray(), again.call(images).data<float>().ToArray());
        Assert.Throws<ArgumentException>(() => network.ResetClassifier(-1));
    }

    [Fact]
    public void Frozen_stages_keep_their_weights_and_statistics_through_training()
    {
        using var scope = NewDisposeScope();
        using var network = Small();
        network.Freeze(2);
        network.eval();
        network.train();
        var frozen = new[] { "conv1.", "bn1." }.Concat(Enumerable.Range(0, 3).Select(i => $"bneck.{i}.")).ToArray();
        bool IsFrozen(string key) => frozen.Any(part => key.StartsWith(part, StringComparison.Ordinal));
        var before = network.state_dict().ToDictionary(entry => entry.Key, entry => TensorBytes.Doubles(entry.Value));
        network.call(randn(4, 3, 32, 32)).sum().backward();
        foreach (var (name, parameter) in network.named_parameters()) Assert.True(IsFrozen(name) == (parameter.grad is null), name);
        foreach (var (name, module) in network.named_modules().Where(at => at.module is NormBase)) Assert.True(IsFrozen(name + ".") != module.training, name);
        foreach (var (key, tensor) in network.state_dict().Where(entry => entry.Key.Contains("running", StringComparison.Ordinal)))
        {
            Assert.True(IsFrozen(key) == TensorBytes.Doubles(tensor).SequenceEqual(before[key]), key);
        }

        // What was not frozen here is left as it is.
        network.get_parameter("linear4.bias")!.requires_grad = false;
        var last = network.named_modules().Single(at => at.name == "bn2").module;
        last.eval();
        network.Freeze(1);
        network.Freeze(0);
        Assert.All(network.named_parameters(), entry => Assert.True(entry.parameter.requires_grad != (entry.name == "linear4.bias"), entry.name));
        Assert.All(network.named_modules(), entry => Assert.True(entry.module.training != (entry.name == "bn2"), entry.name));
        Assert.Throws<ArgumentOutOfRangeException>(() => network.Freeze(6));
    }

    private static MobileNet Small()
    {
        random.manual_seed(2);
        return new(PublishedSpec.MobileNetV2(new() { NumClasses = 5, Width = 0.35 }));
    }

    private static void Close(Tensor expected, Tensor actual, double tolerance = Float64)
    {
        Assert.Equal(expected.shape, actual.shape);
        var (scale, difference) = (expected.abs().max().item<double>(), (expected - actual).abs().max().item<double>());
        Assert.True(difference <= tolerance * scale, $"off by {difference:E2} of {scale:E2}");
    }
}
