using TorchSharp;
using XSepConv.Core.Tests.Inference;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Evaluation;

/// <summary>Maps of networks in evaluation mode: compiled they are those of the layers, and the rest runs as it did.</summary>
public sealed class CompiledFeaturesTests : IDisposable
{
    // Of a map's largest value: a dozen layers of float32, a few millionths each.
    private const double Tolerance = 2e-5;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly OneThread _thread = new();

    public void Dispose()
    {
        _thread.Dispose();
        _scope.Dispose();
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(500, 24)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Those_of_a_random_network_are_those_of_its_layers_in_float64(int seed)
    {
        var (spec, height, width) = RandomNetworks.Spec(seed);
        using var network = EvaluatedNetwork.Create(spec, seed);
        foreach (var batch in new[] { 1, 3 }) Check(network, randn(batch, spec.InputChannels, height, width));
    }

    [Theory]
    [MemberData(nameof(Catalog))]
    public void Those_of_every_network_are_those_of_its_layers_in_float64(string name)
    {
        var spec = NetworkCatalog.Build(name, new() { NumClasses = 3, Preset = ImagePreset.Cifar, Width = 0.25 });
        using var network = EvaluatedNetwork.Create(spec, 1);
        Check(network, randn(2, 3, 41, 30));
    }

    /// <summary>Bytes of a tensor are a span, which ends at 2 GiB: a map of 2³¹ bytes is left to the layers.</summary>
    [Fact]
    public void A_map_of_two_gibibytes_is_not_compiled()
    {
        using var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(new() { NumClasses = 3 }), seed: 1);
        using var noGrad = no_grad();
        var images = zeros(1).expand(128, 3, 1024, 1024);
        Assert.Null(network.Evaluation.TryFeatures(images, XSepConv.Layers.NetworkLayers.Of(network.Spec), [0]));
        Assert.NotNull(network.Evaluation.WhyNot(zeros(1).expand(256, 3, 1024, 1024)));
    }

    public static TheoryData<string> Catalog => [.. NetworkCatalog.Names];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Any_number_and_size_of_images_gets_the_bits_that_each_image_gets_alone(int threads)
    {
        set_num_threads(threads);
        using var network = Small();
        using var noGrad = no_grad();
        foreach (var (height, width) in new[] { (1, 1), (5, 9), (33, 20) })
        {
            foreach (var batch in new[] { 1, 2, 7, 33, 70 })
            {
                var x = randn(batch, 3, height, width);
                var all = network.Features(x);
                Assert.True(network.Evaluation.MemoryBytes > 0);
                for (var i = 0; i < batch; i += 13)
                {
                    Assert.All(all.Zip(network.Features(x[i].unsqueeze(0))), maps => Assert.True(Same(maps.First[i], maps.Second[0])));
                }
            }
        }
    }

    [Fact]
    public void Some_are_the_bits_that_all_have_and_logits_come_between_them()
    {
        using var network = Small();
        using var noGrad = no_grad();
        var x = randn(5, 3, 32, 32);
        var all = network.Features(x);
        var logits = network.call(x);
        for (var first = 0; first < all.Count; first++)
        {
            for (var second = 0; second < all.Count; second++)
            {
                var some = network.Features(x, second, first);
                int[] expected = [.. new[] { first, second }.Distinct().Order()];
                Assert.Equal(expected.Length, some.Count);
                for (var i = 0; i < some.Count; i++) Assert.True(Same(all[expected[i]], some[i]));
                Assert.True(Same(logits, network.call(x)));
            }
        }

        Assert.True(Same(all[^1], network.ForwardFeatures(x)));
        Assert.Equal(logits.data<float>().ToArray(), network.ForwardHead(network.ForwardFeatures(x)).data<float>(), (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Fact]
    public void A_changed_weight_a_hook_training_and_gradients_are_seen()
    {
        using var network = Small();
        var x = randn(2, 3, 16, 16);
        using (no_grad())
        {
            Check(network, x);
            network.get_parameter("bneck.0.conv1.weight")!.mul_(1.5);
            Check(network, x, release: false);

            var seen = new List<string>();
            var hook = EvaluatedNetwork.Part<nn.Module<Tensor, Tensor>>(network, "bneck.2").register_forward_hook((_, _, output) =>
            {
                seen.Add(string.Join("×", output.shape));
                return output;
            });
            network.Features(x);
            network.ForwardFeatures(x);
            Assert.Equal(2, seen.Count);
            hook.remove();

            network.train();
            network.Features(x);
            Assert.Equal(0, network.Evaluation.MemoryBytes);
            network.eval();
        }

        Assert.All(network.Features(x), map => Assert.True(map.requires_grad));
        Assert.True(network.ForwardFeatures(x).requires_grad);
    }

    [Fact]
    public void What_float32_can_not_hold_when_folded_is_left_to_the_layers()
    {
        using var network = Small();
        using var noGrad = no_grad();
        network.get_parameter("bn1.weight")!.fill_(float.PositiveInfinity);
        var maps = network.Features(randn(2, 3, 16, 16));
        Assert.Contains(maps, map => !map.isfinite().all().ToBoolean());
        Assert.Equal(0, network.Evaluation.MemoryBytes);
    }

    /// <summary>Of what is no number the plan makes something else than the layers do.</summary>
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(1e38f)]
    public void An_image_whose_maps_are_no_numbers_is_left_to_the_layers(float value)
    {
        using var network = Small();
        using var noGrad = no_grad();
        var x = randn(3, 3, 16, 16);
        x[1, 2, 3, 4] = value;
        x[2, 0, 15, 15] = value;
        var compiled = network.Features(x);
        Assert.True(network.Evaluation.MemoryBytes > 0);
        network.SetXSepBackend(XSepBackend.Composed);
        var expected = network.Features(x);
        if (!float.IsFinite(value)) Assert.Contains(expected, map => !map.isfinite().all().ToBoolean());
        Assert.All(expected.Zip(compiled), maps => Assert.True(maps.First.isfinite().eq(maps.Second.isfinite()).all().ToBoolean()));
    }

    [Fact]
    public void They_live_as_long_as_the_callers_scope_and_nothing_else_stays()
    {
        using var network = Small();
        using var noGrad = no_grad();
        var x = randn(2, 3, 16, 16);
        using (NewDisposeScope()) network.Features(x);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (var scope = NewDisposeScope())
        {
            var maps = network.Features(x);
            Assert.Equal(maps.Count, scope.DisposablesCount);
            using (NewDisposeScope()) network.ForwardFeatures(x);
            Assert.All(maps, map => Assert.False(map.IsInvalid));
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static MobileNet Small() => EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), 1);

    private static bool Same(Tensor expected, Tensor actual) =>
        expected.shape.SequenceEqual(actual.shape) && expected.eq(actual).all().ToBoolean();

    private static void Check(MobileNet network, Tensor x, bool release = true)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        if (release) network.Evaluation.Release();
        var actual = network.Features(x).Append(network.ForwardFeatures(x)).ToList();
        Assert.True(network.Evaluation.WhyNot(x) is null && network.Evaluation.MemoryBytes > 0);

        using var exact = EvaluatedNetwork.Exact(network);
        var images = x.to(float64);
        var expected = exact.Features(images).Append(exact.ForwardFeatures(images)).ToList();
        Assert.Equal(expected.Select(map => map.shape), actual.Select(map => map.shape));
        foreach (var (right, map) in expected.Zip(actual))
        {
            var (scale, off) = (right.abs().max().item<double>(), (map.to(float64) - right).abs().max().item<double>());
            Assert.True(off <= Tolerance * scale, $"off by {off:E2} of {scale:E2}");
        }
    }
}
