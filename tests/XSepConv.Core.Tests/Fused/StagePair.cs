using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>A fused float32 block and its composed float64 twin on random data, drawn from a seed.</summary>
internal sealed class StagePair : IDisposable
{
    private readonly nn.Module<Tensor, Tensor> _fused;
    private readonly nn.Module<Tensor, Tensor> _composed;
    private readonly Tensor _input;

    public StagePair(int seed, BlockKind kind)
    {
        var draw = new Random(seed);
        random.manual_seed(seed);
        var (kernel, stride) = (1 + (2 * draw.Next(6)), draw.Next(1, 3));
        var (channels, expand, activation) = (draw.Next(1, 9), draw.Next(1, 51), (Activation)draw.Next(4));
        var (padding, placement) = ((PaddingDirection)draw.Next(5), (PaddingPlacement)draw.Next(2));
        _fused = Block(float32);
        _composed = Block(float64);
        _fused.SetXSepBackend(XSepBackend.Fused);
        _composed.SetXSepBackend(XSepBackend.Composed);

        // Scales, shifts and running statistics of their own; epsilons that keep channels without much variance in range.
        using var noGrad = no_grad();
        foreach (var parameter in _fused.parameters().Where(parameter => parameter.dim() == 1)) parameter.add_(randn_like(parameter) * 0.3);
        foreach (var norm in _fused.modules().OfType<TorchSharp.Modules.BatchNorm2d>().Concat(_composed.modules().OfType<TorchSharp.Modules.BatchNorm2d>())) norm.eps = 0.05;
        Copy(_fused, _composed);
        var (batch, height, width) = (draw.Next(2, 20), draw.Next(2, 15), draw.Next(2, 15));
        _input = randn(batch, channels, height, width);

        nn.Module<Tensor, Tensor> Block(ScalarType type) => kind == BlockKind.XSep
            ? new XSepBlock(kernel, channels, expand, channels, padding, activation, squeezeExcite: false, stride, placement, dtype: type)
            : new DwBlock(kernel, channels, expand, channels, activation, SqueezeExcite.None, stride, dtype: type);
    }

    public void Dispose()
    {
        _fused.Dispose();
        _composed.Dispose();
        _input.Dispose();
    }

    public void Train()
    {
        _fused.call(_input);
        _composed.call(_input.to(float64));
    }

    public void Eval()
    {
        _fused.eval();
        _composed.eval();
    }

    public void CompareInference()
    {
        using var noGrad = no_grad();
        Close("inference", _composed.call(_input.to(float64)), _fused.call(_input));
    }

    /// <summary>Output, buffers and all gradients.</summary>
    public void Compare()
    {
        var (x, x64) = (_input.clone().requires_grad_(true), _input.to(float64).requires_grad_(true));
        var (y, y64) = (_fused.call(x), _composed.call(x64));
        Close("output", y64, y);
        foreach (var (name, buffer) in _composed.named_buffers()) Close(name, buffer, _fused.named_buffers().First(entry => entry.name == name).buffer);

        // No gradient where the slope of a nonlinearity jumps would be comparable: a smooth loss is, and so are gradients in the mean.
        var weights = randn_like(y);
        (y * weights).sum().backward();
        (y64 * weights.to(float64)).sum().backward();
        Mean("x", x64.grad!, x.grad!);
        var fused = _fused.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.grad!);
        foreach (var (name, parameter) in _composed.named_parameters()) Mean(name, parameter.grad!, fused[name]);
    }

    public static void Copy(nn.Module from, nn.Module to)
    {
        using var noGrad = no_grad();
        var source = from.state_dict();
        foreach (var (name, target) in to.state_dict()) target.copy_(source[name]);
    }

    /// <summary>Within 2e-5 of the largest value, or of <paramref name="floor"/>: about 300 roundings.</summary>
    public static void Close(string name, Tensor expected, Tensor actual, double floor = 1e-3)
    {
        var (scale, difference) = (expected.to(float64).abs().max().item<double>(), (expected.to(float64) - actual.to(float64)).abs().max().item<double>());
        Assert.True(difference <= 2e-5 * Math.Max(scale, floor), $"{name} differs by {difference:E2} of {scale:E2}");
    }

    /// <summary>
    /// Within 2e-4 in the root mean square: among thousands of values a few lie so near a kink that float32 takes the other slope, each of which
    /// changes some gradients by as much as one term.
    /// </summary>
    private static void Mean(string name, Tensor expected, Tensor actual)
    {
        var (scale, difference) = (Root(expected), Root(expected - actual.to(float64)));
        Assert.True(difference <= 2e-4 * Math.Max(scale, 1e-2), $"{name} differs by {difference:E2} of {scale:E2}, root mean square");

        static double Root(Tensor x) => Math.Sqrt(x.square().mean().item<double>());
    }
}
