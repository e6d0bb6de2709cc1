using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>A training step of whole networks: forward, cross-entropy, backward.</summary>
internal static class NetworkCase
{
    /// <summary>XSep and its twin, stock and fused, cifar preset.</summary>
    public static IEnumerable<RatioResult> Train(RatioSettings settings)
    {
        foreach (var batch in new[] { 64, 128 })
        {
            using var scope = NewDisposeScope();
            random.manual_seed(1);
            var x = randn(batch, 3, 32, 32);
            var labels = randint(0, 10, [batch], ScalarType.Int64);
            var options = new MobileNetV3Options { Preset = ImagePreset.Cifar, NumClasses = 10 };
            List<Contestant> contestants =
            [
                .. Pair(MobileNetV3SmallSpec.XSep(options), "composed", "fused", x, labels),
                .. Pair(MobileNetV3SmallSpec.Twin(options), "twin", "twin-fused", x, labels),
            ];
            var run = new RatioCase("net-train", "xsep", $"{batch}x3x32x32", null, settings.Threads);
            yield return RatioResult.Measure(
                run, contestants, 4 * settings.Seconds, "composed/fused", "twin/fused", "twin-fused/fused", "twin/twin-fused");
        }
    }

    private static List<Contestant> Pair(NetworkSpec spec, string stock, string fused, Tensor x, Tensor labels)
    {
        var exact = new MobileNet(spec, dtype: ScalarType.Float64);
        exact.SetXSepBackend(XSepBackend.Composed);
        List<Contestant> contestants = [];
        foreach (var (name, backend) in new[] { (stock, XSepBackend.Composed), (fused, XSepBackend.Auto) })
        {
            var network = new MobileNet(spec);
            network.SetXSepBackend(backend);
            exact.CopyTo(network);
            contestants.Add(new(name, () =>
            {
                using var scope = NewDisposeScope();
                Step(network, x, labels);
            }, () => Step(network, x, labels)));
        }

        using (NewDisposeScope())
        {
            Correctness.Keep(contestants, Step(exact, x.to_type(ScalarType.Float64), labels));
        }

        return contestants;
    }

    /// <summary>Logits and loss: gradients of a fresh network's last layer are too small to compare one by one.</summary>
    private static List<Tensor> Step(MobileNet network, Tensor x, Tensor labels)
    {
        network.train();
        network.zero_grad();
        var logits = network.call(x);
        var loss = nn.functional.cross_entropy(logits, labels);
        loss.backward();
        return [logits.detach(), loss.detach()];
    }
}
