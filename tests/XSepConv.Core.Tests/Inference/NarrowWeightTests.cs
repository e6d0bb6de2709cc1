using TorchSharp;
using XSepConv.Core.Tests.Parity;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Inference;

/// <summary>A network compiled from a file of narrow weights against float64 of just these weights.</summary>
public sealed class NarrowWeightTests : IDisposable
{
    // As for weights of float32: see CompiledNetworkTests. Rounding the weights themselves moves logits by 1e-3 and more.
    private const double Tolerance = 1e-4;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<SafeTensorType, int> Cases =>
        new MatrixTheoryData<SafeTensorType, int>([SafeTensorType.BF16, SafeTensorType.F16, SafeTensorType.I8], Enumerable.Range(200, 16));

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_random_network_gives_the_logits_of_its_rounded_weights_at_every_width(SafeTensorType type, int seed)
    {
        var (spec, height, width) = RandomNetworks.Spec(seed);
        Compare(type, spec, seed, height, width, batch: 1 + (seed % 5));
    }

    [Theory]
    [InlineData(SafeTensorType.BF16, MobileNetV3SmallSpec.XSepName)]
    [InlineData(SafeTensorType.F16, MobileNetV3SmallSpec.XSepName)]
    [InlineData(SafeTensorType.I8, MobileNetV3SmallSpec.XSepName)]
    [InlineData(SafeTensorType.BF16, "mobilenet-v3-large")]
    [InlineData(SafeTensorType.I8, "mobilenet-v3-large")]
    [InlineData(SafeTensorType.I8, "mobilenet-v2")]
    [InlineData(SafeTensorType.BF16, "mobilenet-v2")]
    public void So_do_whole_networks(SafeTensorType type, string name) =>
        Compare(type, NetworkCatalog.Build(name, new() { NumClasses = 101, Width = 0.5 }), 7, 64, 64, batch: 2);

    [Fact]
    public void Linear_layers_and_squeeze_excite_keep_half_of_the_bytes_of_BF16_and_a_quarter_of_INT8()
    {
        var spec = MobileNetV3SmallSpec.XSep(new() { NumClasses = 1000 });
        using var network = RandomNetworks.Create(spec, 1).to(float32);
        var whole = Save(network, SafeTensorType.F32).WeightBytes;
        long linear = (spec.LastChannels * spec.HiddenFeatures) + (spec.HiddenFeatures * 1000);

        // Squeeze-excite adds to it; scales of the outputs and what fills vectors take a little from it.
        Assert.InRange(whole - Save(network, SafeTensorType.BF16).WeightBytes, 2 * linear * 0.99, 3 * linear);
        Assert.InRange(whole - Save(network, SafeTensorType.I8).WeightBytes, 3 * linear * 0.99, 4 * linear);
        Assert.Equal(whole, Save(network, SafeTensorType.F16).WeightBytes);
    }

    // Sums of such weights would be infinite before the batch norm makes them small again; and what it multiplies by would be.
    [Theory]
    [InlineData(SafeTensorType.BF16, 1e38, 1e-38, 100)]
    [InlineData(SafeTensorType.BF16, 1e-37, 2e38, 1)]
    [InlineData(SafeTensorType.I8, 1e38, 1e-38, 100)]
    [InlineData(SafeTensorType.I8, 1e-34, 2e37, 1)]
    public void Weights_far_from_one_are_folded_as_any_others(SafeTensorType type, double weights, double norm, double features)
    {
        var (spec, height, width) = RandomNetworks.Spec(3);
        spec = spec with { HiddenFeatures = 40, HiddenNorm = true, NumClasses = 10 };
        Compare(type, spec, 3, height, width, batch: 2, network =>
        {
            using var noGrad = no_grad();
            var state = network.state_dict();
            foreach (var key in new[] { "linear3.weight", "linear3.bias", "bn3.running_mean" }) state[key].mul_(weights);
            state["bn3.weight"].mul_(norm);
            foreach (var key in new[] { "bn2.weight", "bn2.bias" }) state[key].mul_(features);
        });
    }

    // Dead channels have scales down to the smallest of all; the layer stays INT8 with them.
    [Fact]
    public void Channels_of_nothing_cost_the_others_nothing()
    {
        var (spec, height, width) = RandomNetworks.Spec(3);
        spec = spec with { HiddenFeatures = 40, HiddenNorm = true, NumClasses = 10 };
        long alive = 0, dead = 0;
        Compare(SafeTensorType.I8, spec, 3, height, width, batch: 2, network => alive = Save(network, SafeTensorType.I8).WeightBytes);
        Compare(SafeTensorType.I8, spec, 3, height, width, batch: 2, network =>
        {
            using var noGrad = no_grad();
            var weight = network.state_dict()["linear3.weight"];
            weight[0].zero_();
            weight[1].mul_(1e-40);
            weight[2].mul_(1e-30);
            dead = Save(network, SafeTensorType.I8).WeightBytes;
        });
        Assert.Equal(alive, dead);
    }

    private CompiledModel Save(nn.Module network, SafeTensorType type)
    {
        network.SaveSafeTensors(_folder.File("model"), new SafeTensorsSaveOptions { Dtype = type });
        return CompiledModel.Load(_folder.File("model"));
    }

    private void Compare(SafeTensorType type, NetworkSpec spec, int seed, int height, int width, int batch, Action<MobileNet>? change = null)
    {
        using var oneThread = new OneThread();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var path = _folder.File("narrow");
        using var network = RandomNetworks.Create(spec, seed);
        change?.Invoke(network);
        network.SaveSafeTensors(path, new SafeTensorsSaveOptions { Dtype = type });
        using var rounded = MobileNet.FromSafeTensors(path, dtype: float64);
        rounded.eval();
        var input = randn(batch, spec.InputChannels, height, width);
        var expected = rounded.call(input.to(float64)).data<double>().ToArray();
        var pixels = input.data<float>().ToArray();
        var scale = expected.Max(Math.Abs);
        foreach (var kernel in KernelRegistry.Accelerated)
        {
            using var session = CompiledModel.Load(path, kernel.Name).CreateSession(batch, 1, height, width);
            var logits = new float[batch * spec.Outputs];
            session.Run(pixels, logits);
            var worst = logits.Zip(expected, (a, e) => Math.Abs(a - e)).Max();
            Assert.True(worst <= Tolerance * scale, $"{kernel.Name}: off by {worst:E2} of {scale:E2}\n{spec}\n{height}×{width}");
        }
    }
}
