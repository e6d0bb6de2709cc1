using TorchSharp;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>
/// Backward of the composed operators, which second derivatives and values out of float32's range take, within a graph whose tensors depend
/// on each other: a node gives the partial derivatives of its own tensors, and the engine goes on from there.
/// </summary>
public sealed class PartialDerivativeTests : IDisposable
{
    private readonly OneThread _thread = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _thread.Dispose();
    }

    public static TheoryData<string> Modules => ["stage", "XSep", "Dw", "inverted"];

    [Theory]
    [MemberData(nameof(Modules))]
    public void A_module_that_is_called_twice_is_differentiated_twice(string kind)
    {
        var (fused, composed) = Pair(kind);
        var x = randn(8, 16, 6, 5);
        var (expected, actual) = (Run(composed, x.to(float64)), Run(fused, x));
        Same(expected, actual);

        static List<Tensor> Run(nn.Module<Tensor, Tensor> module, Tensor input)
        {
            var x = input.requires_grad_(true);
            Tensor[] wanted = [x, .. module.parameters()];
            module.call(module.call(x)).pow(3).sum().backward(create_graph: true, retain_graph: true);
            Tensor[] first = [.. wanted.Select(tensor => tensor.grad!.clone())];
            foreach (var tensor in wanted) tensor.grad = null;
            first[0].square().sum().backward();
            return [.. first.Select(gradient => gradient.detach()), .. wanted.Where(tensor => tensor.grad is not null).Select(tensor => tensor.grad!)];
        }
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void A_gradient_that_is_kept_in_between_is_counted_once(string kind)
    {
        var (fused, composed) = Pair(kind);
        var x = randn(8, 16, 6, 5);
        Same([Run(composed, x.to(float64))], [Run(fused, x)]);

        static Tensor Run(nn.Module<Tensor, Tensor> module, Tensor input)
        {
            var between = input.requires_grad_(true) * 2;
            between.retain_grad();
            module.call(between).pow(3).sum().backward(create_graph: true, retain_graph: true);
            return between.grad!.detach();
        }
    }

    /// <summary>Beyond what the kernels take, and not beyond float32: the layers run one by one.</summary>
    [Theory]
    [InlineData("XSep")]
    [InlineData("Dw")]
    [InlineData("inverted")]
    public void Values_out_of_range_have_partial_derivatives_too(string kind)
    {
        var (fused, composed) = Pair(kind);
        var x = randn(8, 16, 6, 5) * 1e12;
        var (expected, actual) = (Run(composed, x.to(float64)), Run(fused, x));
        Same(expected, actual);

        static List<Tensor> Run(nn.Module<Tensor, Tensor> module, Tensor x)
        {
            // The second call's input is large, too.
            (module.call(module.call(x) * 1e12) * x.sign()).sum().backward();
            return [.. module.parameters().Select(parameter => parameter.grad!)];
        }
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void An_infinite_gradient_under_anomaly_detection_is_torch_s_own_error(string kind)
    {
        var (fused, composed) = Pair(kind);
        using var anomaly = autograd.detect_anomaly();
        foreach (var module in new[] { composed, fused })
        {
            var x = randn(8, 16, 6, 5, dtype: module == fused ? float32 : float64);
            var loss = module.call(x).sum() * float.PositiveInfinity;
            var thrown = Record.Exception(() => loss.backward());
            Assert.True(thrown is null or System.Runtime.InteropServices.ExternalException, $"{kind}: {thrown}");
        }
    }

    private static (nn.Module<Tensor, Tensor> Fused, nn.Module<Tensor, Tensor> Composed) Pair(string kind)
    {
        random.manual_seed(11);
        var (fused, composed) = (Create(float32), Create(float64));
        fused.SetXSepBackend(XSepBackend.Fused);
        composed.SetXSepBackend(XSepBackend.Composed);
        foreach (var norm in fused.modules().Concat(composed.modules()).OfType<TorchSharp.Modules.BatchNorm2d>()) norm.eps = 0.1;
        StagePair.Copy(fused, composed);
        return (fused, composed);

        nn.Module<Tensor, Tensor> Create(ScalarType type) => kind switch
        {
            "stage" => new XSepConv2d(16, 5, padding: PaddingDirection.Symmetric, dtype: type),
            "XSep" => new XSepBlock(5, 16, 32, 16, PaddingDirection.LeftTop, Activation.SiLU, dtype: type),
            "Dw" => new DwBlock(3, 16, 32, 16, Activation.SiLU, dtype: type),
            _ => new InvertedResidualBlock(new(BlockKind.InvertedResidual, 3, 16, 32, 16, Activation.SiLU, SqueezeExcite.Expanded, 1), dtype: type),
        };
    }

    private static void Same(List<Tensor> expected, List<Tensor> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        var largest = expected.Max(Root);
        for (var i = 0; i < expected.Count; i++)
        {
            // Rounding is all that some have: a shift before a batch norm in training has no effect.
            var (scale, difference) = (Root(expected[i]), Root(expected[i] - actual[i].to(float64)));
            Assert.True(difference <= 2e-3 * Math.Max(scale, 1e-3 * largest), $"{i}: {difference:E2} of {scale:E2}, at most {largest:E2}");
        }
    }

    private static double Root(Tensor tensor) => tensor.square().mean().sqrt().item<double>();
}
