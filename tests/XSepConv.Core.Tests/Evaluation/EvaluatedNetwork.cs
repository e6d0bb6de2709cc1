using TorchSharp;
using XSepConv.Core.Tests.Inference;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Evaluation;

/// <summary>A float32 network in evaluation mode, and what its layers compute in float64.</summary>
internal static class EvaluatedNetwork
{
    /// <summary>
    /// Relative to the largest logit. Networks of a dozen layers gather some 1e-6, and squeeze-excite and near-cancelling logits multiply that.
    /// </summary>
    public const double Tolerance = 1e-4;

    public static MobileNetV3Options Small { get; } = new() { Width = 0.25, NumClasses = 3, Preset = ImagePreset.Cifar };

    /// <summary>A module of the network by its path.</summary>
    public static T Part<T>(MobileNet network, string path)
        where T : nn.Module => (T)network.named_modules().First(entry => entry.name == path).module;

    public static MobileNet Create(NetworkSpec spec, int seed)
    {
        var network = RandomNetworks.Create(spec, seed);
        network.to(float32);
        return network;
    }

    /// <summary>Logits of the composed layers in float64, of the network as it is now.</summary>
    public static double[] Expected(MobileNet network, Tensor x)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var exact = Exact(network);
        return exact.call(x.to(float64)).data<double>().ToArray();
    }

    /// <summary>The network as it is now, its layers in float64.</summary>
    public static MobileNet Exact(MobileNet network)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var exact = new MobileNet(network.Spec, dtype: float64);
        var source = network.state_dict();
        foreach (var (key, tensor) in exact.state_dict()) tensor.copy_(source[key]);
        ModuleState.CopyNorms(network, exact);
        exact.SetXSepBackend(XSepBackend.Composed);
        exact.eval();
        return exact;
    }

    /// <summary>Evaluates, and holds the logits to float64 and the run to having been compiled or not.</summary>
    public static float[] Check(MobileNet network, Tensor x, bool compiled = true)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        network.Evaluation.Release();
        return Again(network, x, compiled);
    }

    /// <summary>The same with what was packed before.</summary>
    public static float[] Again(MobileNet network, Tensor x, bool compiled = true, string? after = null)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var logits = network.call(x);
        Assert.Equal([x.size(0), network.Spec.Outputs], logits.shape);
        Assert.Equal((compiled, after), (network.Evaluation.WhyNot(x) is null && network.Evaluation.MemoryBytes > 0, after));
        var expected = Expected(network, x);
        var actual = logits.to(float32).data<float>().ToArray();
        var scale = expected.Max(Math.Abs);
        var worst = actual.Zip(expected, (a, e) => Math.Abs(a - e)).Max();
        Assert.True(worst <= Tolerance * scale, $"{after}: off by {worst:E2} of {scale:E2}");
        return actual;
    }
}
