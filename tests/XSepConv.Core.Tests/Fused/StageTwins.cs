using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>A fused float32 stage and its composed float64 twin on the same random data.</summary>
/// <remarks>
/// Data are drawn until no value of the twin lies within 1e-5, a hundred roundings, of where a nonlinearity's slope jumps: there float32 may
/// take the other slope, and nothing could be said of gradients.
/// </remarks>
internal sealed class StageTwins
{
    /// <summary>About 300 roundings of float32 (6e-8 each).</summary>
    private const double Tolerance = 2e-5;

    private readonly StageCase _case;
    private readonly IReadOnlyList<(Conv2d Conv, BatchNorm2d Norm)> _layers, _layers64;
    private readonly Tensor _leaf, _weights;
    private readonly List<(Tensor Input, Tensor Output)> _convs = [], _norms = [];

    private StageTwins(StageCase stage, int seed, bool training)
    {
        random.manual_seed(seed);
        (_case, _layers, _layers64) = (stage, stage.Layers(float32), stage.Layers(float64));
        var count = (long)stage.Batch * OutputSide(stage.Height) * OutputSide(stage.Width);
        double[] epsilons = count < 64 ? [0.1] : [1e-5, 1e-3, 0.1];
        using var noGrad = no_grad();
        for (var i = 0; i < _layers.Count; i++)
        {
            var ((conv, norm), (conv64, norm64)) = (_layers[i], _layers64[i]);
            conv.weight.normal_(0.1, 1.0 / Math.Sqrt(conv.weight.shape[2] * conv.weight.shape[3]));
            norm.weight.uniform_(0.5, 1.5);
            norm.bias!.normal_(0, 0.5);
            norm.running_mean!.normal_(0, 0.5);
            norm.running_var!.uniform_(0.2, 1.5);
            (norm.eps, norm64.eps) = (epsilons[seed % epsilons.Length], epsilons[seed % epsilons.Length]);
            StagePair.Copy(conv, conv64);
            StagePair.Copy(norm, norm64);
            norm.train(training);
            norm64.train(training);
        }

        _leaf = randn(stage.LeafShape());
        _weights = randn(stage.Batch, OutputSide(stage.Width), OutputSide(stage.Height), stage.Channels);

        int OutputSide(int side) => ((side - 1) / stage.Stride) + 1;
    }

    private double NearestKink => _norms.Select((norm, i) =>
    {
        if (!_case.IsActivated(i)) return double.PositiveInfinity;
        double[] kinks = _case.Activation switch
        {
            Activation.ReLU => [0],
            Activation.HSwish => [-3, 3],
            Activation.ReLU6 => [0, 6],
            _ => [],
        };
        return kinks.Select(kink => norm.Output.sub(kink).abs().min().item<double>()).DefaultIfEmpty(double.PositiveInfinity).Min();
    }).Min();

    /// <summary>Output, running statistics and all gradients, in training mode or with the running statistics.</summary>
    public static void Compare(StageCase stage, int seed, bool training)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var scope = NewDisposeScope();
            var twins = new StageTwins(stage, seed + (7919 * attempt), training);
            var leaf64 = twins._leaf.to(float64).requires_grad_(true);
            var y64 = twins.RunComposed(leaf64);
            if (twins.NearestKink <= 1e-5) continue;
            twins.Compare(leaf64, y64);
            return;
        }
    }

    private Tensor RunComposed(Tensor leaf64)
    {
        var removers = new List<Action>();
        foreach (var (conv, norm) in _layers64)
        {
            removers.Add(Watch(conv, _convs));
            removers.Add(Watch(norm, _norms));
        }

        var y = _case.Stage(_layers64, XSepBackend.Composed)(_case.Map(leaf64));
        removers.ForEach(remove => remove());
        return y;

        // Kept from the stage's own scope, for what is differentiated below.
        static Action Watch(nn.Module<Tensor, Tensor> layer, List<(Tensor, Tensor)> seen) => layer.register_forward_hook((_, x, y) =>
        {
            seen.Add((x.detach().DetachFromDisposeScope(), y.DetachFromDisposeScope()));
            return y;
        }).remove;
    }

    private void Compare(Tensor leaf64, Tensor y64)
    {
        var leaf = _leaf.clone().requires_grad_(true);
        var run = _case.Stage(_layers, XSepBackend.Fused);
        if (!_layers[0].Norm.training)
        {
            using var noGrad = no_grad();
            Close("inference", y64, run(_case.Map(leaf)));
        }

        var y = run(_case.Map(leaf));
        Close("output", y64, y);
        foreach (var ((_, norm), (_, norm64)) in _layers.Zip(_layers64))
        {
            Close("running mean", norm64.running_mean!, norm.running_mean!, norm64.running_var!.sqrt().max().item<double>());
            Close("running variance", norm64.running_var!, norm.running_var!);
            Assert.Equal(norm64.num_batches_tracked!.item<long>(), norm.num_batches_tracked!.item<long>());
        }

        var weights = _weights.permute(0, 3, 2, 1);
        Tensor[] inner = [.. _convs.Select(conv => conv.Output), .. _norms.Select(norm => norm.Output)];

        // libtorch 2.10's batch norm returns wrong gradients where the one it gets lies channels-last and a side is 1: composed gets it row by row.
        var expected = autograd.grad([(y64 * weights.contiguous().to(float64)).sum()], [leaf64, .. Parameters(_layers64), .. inner]);
        var actual = autograd.grad([(y * weights).sum()], [leaf, .. Parameters(_layers)]);
        Close("input gradient", expected[0], actual[0]);
        for (var i = 0; i < _layers.Count; i++)
        {
            var (conv, norm) = (1 + (3 * i), 1 + (3 * _layers.Count) + i);
            Close($"weight gradient {i}", expected[conv], actual[conv], WeightNoise(_layers64[i].Conv, _convs[i].Input, expected[norm]));
            var (scaleNoise, shiftNoise) = NormNoise(_layers64[i].Norm, _norms[i].Output, expected[norm + _layers.Count]);
            Close($"scale gradient {i}", expected[conv + 1], actual[conv + 1], scaleNoise);
            Close($"shift gradient {i}", expected[conv + 2], actual[conv + 2], shiftNoise);
        }

        foreach (var (input, output) in _convs.Concat(_norms))
        {
            input.Dispose();
            output.Dispose();
        }

        static IEnumerable<Tensor> Parameters(IReadOnlyList<(Conv2d Conv, BatchNorm2d Norm)> layers) =>
            layers.SelectMany(layer => new Tensor[] { layer.Conv.weight, layer.Norm.weight, layer.Norm.bias! });
    }

    // Gradients that are sums: terms may cancel to nothing, so rounding is measured against the root of the terms' squares where that is larger.
    private static double WeightNoise(Conv2d conv, Tensor input, Tensor gradient)
    {
        var weight = conv.weight.detach().requires_grad_(true);
        var y = nn.functional.conv2d(input.square(), weight, strides: [.. conv.stride!], padding: [.. conv.padding!], groups: conv.groups);
        return autograd.grad([y], [weight], [gradient.square()])[0].max().sqrt().item<double>();
    }

    private static (double Scale, double Shift) NormNoise(BatchNorm2d norm, Tensor output, Tensor gradient)
    {
        var channels = new long[] { 1, -1, 1, 1 };
        var normalised = (output.detach() - norm.bias!.detach().view(channels)) / norm.weight.detach().view(channels);
        return (Noise(gradient * normalised), Noise(gradient));

        static double Noise(Tensor terms) => terms.square().sum([0L, 2, 3]).max().sqrt().item<double>();
    }

    private void Close(string name, Tensor expected, Tensor actual, double noise = 0)
    {
        Assert.Equal(expected.shape, actual.shape);
        var scale = Math.Max(noise, expected.abs().max().item<double>());
        var difference = (expected - actual.to(float64)).abs().max().item<double>();
        Assert.True(difference <= Tolerance * scale, $"{name} differs by {difference:E2} of {scale:E2}: {_case}");
    }
}
