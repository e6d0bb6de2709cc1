using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>XSepConv and the K×K depthwise convolution + BN that it stands in for, on one input, with their float64 references.</summary>
internal sealed class StageCase : IDisposable
{
    /// <summary>XSepConv as it runs when nobody chooses, on CUDA.</summary>
    public const string Auto = "auto";

    private readonly int _channels, _kernel, _stride, _threads;
    private readonly bool _onCuda;
    private readonly DisposeScope _scope;
    private readonly Tensor _data, _gradient;

    public StageCase(StageMap map, int kernel, bool training, RatioSettings settings)
    {
        _scope = NewDisposeScope();
        var (batch, channels, size) = map;
        (_channels, _kernel, _stride, _threads, _onCuda) = (channels, kernel, settings.Stride, settings.Threads, settings.OnCuda);
        random.manual_seed(1);
        Training = training;
        _data = randn(batch, channels, size, size);
        _gradient = randn(batch, channels, map.Strided(_stride), map.Strided(_stride));
        XSep = new XSepConv2d(channels, kernel, _stride);
        Depthwise = nn.Sequential(Convolution(bias: false), nn.BatchNorm2d(channels));
        XSep.RandomizeNorms();
        Depthwise.RandomizeNorms();
        if (!_onCuda) return;
        (_data, _gradient) = (_data.cuda(), _gradient.cuda());
        XSep.cuda();
        Depthwise.cuda();
    }

    public bool Training { get; }

    public XSepConv2d XSep { get; }

    public Sequential Depthwise { get; }

    /// <summary>The fused XSepConv, if it computes the right thing.</summary>
    public Contestant Fused() => Keep(XSep, [FusedXSep()]).Single();

    /// <summary>
    /// The XSepConv's contestants that compute the right thing: fused, and of libtorch's layers in both layouts, BN folded into them at
    /// inference; on CUDA, where nothing is fused, what <see cref="XSepBackend.Auto"/> does in place of that.
    /// </summary>
    public List<Contestant> XSepContestants()
    {
        var stock = new StockXSep(_channels, _kernel, _stride);
        XSep.CopyTo(stock);
        nn.Module<Tensor, Tensor> composed = Training ? stock : stock.Folded();
        List<Contestant> contestants = [Of("composed", composed, Contestant.Nchw), Of("composed", composed, Contestant.ChannelsLast)];
        if (!_onCuda) return Keep(XSep, [FusedXSep(), .. contestants]);
        var auto = new XSepConv2d(_channels, _kernel, _stride);
        XSep.CopyTo(auto);
        return Keep(XSep, [Of(Auto, auto, Contestant.Nchw), Of(Auto, auto, Contestant.ChannelsLast), .. contestants]);
    }

    /// <summary>
    /// The depthwise convolution's contestants that compute the right thing: libtorch's in both layouts, on the CPU ours too and for
    /// inference ONNX Runtime's, BN folded into each.
    /// </summary>
    public List<Contestant> DepthwiseContestants()
    {
        nn.Module<Tensor, Tensor> module = Training ? Depthwise : Folded();
        if (_onCuda) return Keep(Depthwise, [Of("depthwise", module, Contestant.Nchw), Of("depthwise", module, Contestant.ChannelsLast)]);
        var fused = new DepthwiseConv(Convolution(bias: false), nn.BatchNorm2d(_channels));
        Depthwise.CopyTo(fused);
        List<Contestant> contestants =
            [Of("depthwise", module, Contestant.Nchw), Of("depthwise", module, Contestant.ChannelsLast), Of("depthwise-fused", fused)];
        if (!Training)
        {
            Depthwise.eval();
            contestants.Add(OnnxRuntimeContestant.Of(Depthwise, _data, _threads));
        }

        return Keep(Depthwise, contestants);
    }

    public void Dispose() => _scope.Dispose();

    private Contestant FusedXSep()
    {
        var fused = new XSepConv2d(_channels, _kernel, _stride) { Backend = XSepBackend.Fused };
        XSep.CopyTo(fused);
        return Of("fused", fused);
    }

    private List<Contestant> Keep(nn.Module<Tensor, Tensor> model, IReadOnlyList<Contestant> contestants)
    {
        using var scope = NewDisposeScope();
        using var exact = Exact(model).to(_data.device);
        exact.train(Training);
        return Correctness.Keep(contestants, Run(exact, _data.to_type(ScalarType.Float64), _gradient.to_type(ScalarType.Float64)));
    }

    private nn.Module<Tensor, Tensor> Exact(nn.Module<Tensor, Tensor> model)
    {
        if (model is XSepConv2d)
        {
            var exact = new XSepConv2d(_channels, _kernel, _stride, dtype: ScalarType.Float64) { Backend = XSepBackend.Composed };
            XSep.CopyTo(exact);
            return exact;
        }

        var depthwise = nn.Sequential(
            new FourierDepthwise(_channels, _kernel, _stride), nn.BatchNorm2d(_channels, dtype: ScalarType.Float64));
        Depthwise.CopyTo(depthwise);
        return depthwise;
    }

    /// <summary>A module's contestant on maps that lie as NCHW, or as named where it is measured in both layouts.</summary>
    private Contestant Of(string name, nn.Module<Tensor, Tensor> module, string? layout = null)
    {
        module.to(_data.device).train(Training);
        var x = InLayout(_data, layout == Contestant.ChannelsLast);
        var gradient = InLayout(_gradient, layout == Contestant.ChannelsLast);
        return new(name, Step, () => Run(module, x, gradient))
        {
            Layout = layout,
            Slack = Training && layout == Contestant.ChannelsLast ? Contestant.ChannelsLastSlack : 1,
        };

        void Step()
        {
            using var scope = NewDisposeScope();
            Run(module, x, gradient);
        }
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
        var folded = Convolution(bias: true);
        folded.weight.copy_(conv.weight * scale.view(-1, 1, 1, 1));
        folded.bias!.copy_(norm.bias! - (norm.running_mean! * scale));
        return folded;
    }

    private Conv2d Convolution(bool bias) =>
        nn.Conv2d(_channels, _channels, _kernel, stride: _stride, padding: _kernel / 2, groups: _channels, bias: bias);

    private static Tensor InLayout(Tensor tensor, bool channelsLast)
    {
        var result = channelsLast ? tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : tensor.clone();
        return result.detach();
    }
}
