using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>What runs on CUDA gives what the CPU gives. Skipped where there is no CUDA device.</summary>
public sealed class CudaTests
{
    [Theory]
    [InlineData(3, PaddingDirection.RightBottom)]
    [InlineData(5, PaddingDirection.LeftTop)]
    [InlineData(7, PaddingDirection.Symmetric)]
    public void An_XSepConv_has_the_CPU_s_output_and_gradients(int kernel, PaddingDirection padding)
    {
        Assert.SkipUnless(cuda.is_available(), "Torch sees no CUDA device here, so nothing was compared with it.");
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var x = randn(4, 24, 9, 11, ScalarType.Float64);
        using var module = new XSepConv2d(24, kernel, padding: padding, dtype: ScalarType.Float64);
        var expected = Run(module, x);

        var actual = Run(module.to(CUDA), x.cuda());

        // Sums of at most 396 products in float64, of numbers below 100.
        Assert.All(expected.Zip(actual), pair => Assert.True((pair.First - pair.Second.cpu()).abs().max().ToDouble() < 1e-9));
    }

    private static List<Tensor> Run(XSepConv2d module, Tensor images)
    {
        var x = images.detach().clone().requires_grad_();
        module.zero_grad();
        var y = module.call(x);
        y.square().sum().backward();
        return [y.detach().clone(), x.grad!.clone(), .. module.parameters().Select(parameter => parameter.grad!.clone())];
    }
}
