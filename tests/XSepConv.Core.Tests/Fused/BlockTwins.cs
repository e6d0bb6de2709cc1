using TorchSharp.Modules;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>A block that runs as one operator in float32, and its composed float64 twin on the same random data.</summary>
/// <remarks>
/// Data are drawn until few values of the twin lie near a kink: there float32 may take the other slope. Every batch norm multiplies rounding
/// by what its scale is larger than its deviation, so that values and gradients are compared in the root mean square.
/// </remarks>
internal static class BlockTwins
{
    private const double Tolerance = 1e-4;

    // Without a training mode each norm has one of its own.
    public static void Compare(BlockCase block, int seed, bool? training, StageKernels kernels)
    {
        random.manual_seed(seed);
        using var fused = block.Create(float32);
        using var composed = block.Create(float64);
        Prepare(fused, composed, training, new(seed));
        composed.SetXSepBackend(XSepBackend.Composed);
        var (x, x64) = Input(block);
        Assert.Equal(XSepBackend.Fused, ((IBlock)fused).Whole.Resolve(XSepBackend.Auto, x));
        var (y, y64) = (((IBlock)fused).Whole.Forward(x, BlockKernels.Of(kernels)), composed.call(x64));
        Near($"{block}: output", y64, y);
        var buffers = fused.named_buffers().ToDictionary(entry => entry.name, entry => entry.buffer);
        foreach (var (name, buffer) in composed.named_buffers()) Near($"{block}: {name}", buffer, buffers[name]);

        var weights = randn_like(y);
        (y * weights).sum().backward();
        (y64 * weights.to(float64)).sum().backward();
        Near($"{block}: x", x64.grad!, x.grad!);
        var parameters = fused.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        var largest = composed.parameters().Max(parameter => parameter.grad!.abs().max().item<double>());
        foreach (var (name, parameter) in composed.named_parameters())
        {
            Near($"{block}: {name}", parameter.grad!, parameters[name].grad!, floor: 1e-3 * largest);
        }
    }

    private static (Tensor, Tensor) Input(BlockCase block)
    {
        var x = randn(block.Batch, block.Spec.In, block.Height, block.Width);
        return (x.clone().requires_grad_(true), x.to(float64).requires_grad_(true));
    }

    // Scales, shifts and running statistics of their own; epsilons that keep channels without much variance in range.
    private static void Prepare(nn.Module fused, nn.Module composed, bool? training, Random draw)
    {
        using var noGrad = no_grad();
        foreach (var parameter in fused.parameters().Where(parameter => parameter.dim() == 1)) parameter.add_(randn_like(parameter) * 0.3);
        foreach (var norm in fused.modules().OfType<BatchNorm2d>())
        {
            norm.running_mean!.normal_(0, 0.5);
            norm.running_var!.uniform_(0.2, 1.5);
        }

        foreach (var norm in fused.modules().Concat(composed.modules()).OfType<BatchNorm2d>()) norm.eps = 0.05;
        StagePair.Copy(fused, composed);
        foreach (var (one, other) in fused.modules().OfType<BatchNorm2d>().Zip(composed.modules().OfType<BatchNorm2d>()))
        {
            var mode = training ?? draw.Next(2) == 0;
            one.train(mode);
            other.train(mode);
        }
    }

    private static void Near(string name, Tensor expected, Tensor actual, double floor = 1e-3)
    {
        var (scale, difference) = (Root(expected.to(float64)), Root(expected.to(float64) - actual.to(float64)));
        Assert.True(difference <= Tolerance * Math.Max(scale, floor), $"{name} differs by {difference:E2} of {scale:E2}, root mean square");

        static double Root(Tensor x) => Math.Sqrt(x.square().mean().item<double>());
    }
}
