using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>XSepConv and the K×K depthwise convolution + BN that it stands in for, on one input, with their float64 references.</summary>
internal sealed class StageCase : IDisposable
{
    private readonly int _channels, _kernel;
    private readonly DisposeScope _scope;
    private readonly Tensor _data, _gradient;

    public StageCase(int batch, int channels, int size, int kernel, bool training)
    {
        _scope = NewDisposeScope();
        (_channels, _kernel) = (channels, kernel);
        random.manual_seed(1);
        Shape = $"{batch}x{channels}x{size}x{size}";
        Training = training;
        _data = randn(batch, channels, size, size);
        _gradient = randn(batch, channels, size, size);
        XSep = new XSepConv2d(channels, kernel);
        Depthwise = nn.Sequential(
            nn.Conv2d(channels, channels, kernel, padding: kernel / 2, groups: channels, bias: false), nn.BatchNorm2d(channels));
        XSep.RandomizeNorms();
        Depthwise.RandomizeNorms();
    }

    public string Shape { get; }

    public bool Training { get; }

    public XSepConv2d XSep { get; }

    public Sequential Depthwise { get; }

    /// <summary>The XSepConv's contestants that compute the right thing: fused, and composed in both layouts.</summary>
    public List<Contestant> XSepContestants()
    {
        var fused = new XSepConv2d(_channels, _kernel) { Backend = XSepBackend.Fused };
        var composed = new XSepConv2d(_channels, _kernel) { Backend = XSepBackend.Composed };
        XSep.CopyTo(fused);
        XSep.CopyTo(composed);
        return Keep(XSep, [Of("fused", fused, false), Of("composed", composed, false), Of("composed", composed, true)]);
    }

    /// <summary>The depthwise convolution's contestants that compute the right thing, BN folded into it for inference.</summary>
    public List<Contestant> DepthwiseContestants()
    {
        nn.Module<Tensor, Tensor> module = Training ? Depthwise : Folded();
        var fused = new DepthwiseConv(
            nn.Conv2d(_channels, _channels, _kernel, padding: _kernel / 2, groups: _channels, bias: false), nn.BatchNorm2d(_channels));
        Depthwise.CopyTo(fused);
        return Keep(Depthwise, [Of("depthwise", module, false), Of("depthwise", module, true), Of("depthwise-fused", fused, false)]);
    }

    public void Dispose() => _scope.Dispose();

    private List<Contestant> Keep(nn.Module<Tensor, Tensor> model, IReadOnlyList<Contestant> contestants)
    {
        using var scope = NewDisposeScope();
        using var exact = Exact(model);
        exact.train(Training);
        return Correctness.Keep(contestants, Run(exact, _data.to_type(ScalarType.Float64), _gradient.to_type(ScalarType.Float64)));
    }

    private nn.Module<Tensor, Tensor> Exact(nn.Module<Tensor, Tensor> model)
    {
        if (model is XSepConv2d)
        {
            var exact = new XSepConv2d(_channels, _kernel, dtype: ScalarType.Float64) { Backend = XSepBackend.Composed };
            XSep.CopyTo(exact);
            return exact;
        }

        var depthwise = nn.Sequential(
            nn.Conv2d(_channels, _channels, _kernel, padding: _kernel / 2, groups: _channels, bias: false, dtype: ScalarType.Float64),
            nn.BatchNorm2d(_channels, dtype: ScalarType.Float64));
        Depthwise.CopyTo(depthwise);
        return depthwise;
    }

    private Contestant Of(string name, nn.Module<Tensor, Tensor> module, bool channelsLast)
    {
        module.train(Training);
        var x = InLayout(_data, channelsLast);
        var gradient = InLayout(_gradient, channelsLast);
        return new(name, () =>
        {
            using var scope = NewDisposeScope();
            Run(module, x, gradient);
        }, () => Run(module, x, gradient));
    }

    private List<Tensor> Run(nn.Module<Tensor, Tensor> module, Tensor x, Tensor gradient)
    {
        if (!Training)
        {
            using var noGrad = no_grad();
            return [module.call(x)];
        }

        x.requires_grad_(true);
        var y = module.call(x);
        return [y, .. autograd.grad([y], [x, .. module.parameters()], [gradient])];
    }

    private Conv2d Folded()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (conv, norm) = ((Conv2d)Depthwise[0], (BatchNorm2d)Depthwise[1]);
        var scale = norm.weight / (norm.running_var! + norm.eps).sqrt();
        var folded = nn.Conv2d(_channels, _channels, _kernel, padding: _kernel / 2, groups: _channels);
        folded.weight.copy_(conv.weight * scale.view(-1, 1, 1, 1));
        folded.bias!.copy_(norm.bias! - (norm.running_mean! * scale));
        return folded;
    }

    private static Tensor InLayout(Tensor tensor, bool channelsLast)
    {
        var result = channelsLast ? tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : tensor.clone();
        return result.detach();
    }
}
