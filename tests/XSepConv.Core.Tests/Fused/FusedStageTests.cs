using TorchSharp;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>The fused stage against the composed one in float64, as modules on tensors.</summary>
public class FusedStageTests
{
    public static TheoryData<int, BlockKind> Seeds
    {
        get
        {
            var cases = new TheoryData<int, BlockKind>();
            foreach (var kind in new[] { BlockKind.Dw, BlockKind.XSep })
            {
                for (var seed = 0; seed < 40; seed++) cases.Add(seed, kind);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Training_agrees_with_the_composed_stage_in_float64(int seed, BlockKind kind)
    {
        using var scope = NewDisposeScope();
        using var pair = new StagePair(seed, kind);
        pair.Train();
        pair.Compare();
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Inference_and_gradients_with_running_statistics_agree_with_the_composed_stage_in_float64(int seed, BlockKind kind)
    {
        using var scope = NewDisposeScope();
        using var pair = new StagePair(seed, kind);
        pair.Train();
        pair.Eval();
        pair.CompareInference();
        pair.Compare();
    }

    [Fact]
    public void Second_derivatives_are_those_of_the_composed_stage()
    {
        using var scope = NewDisposeScope();
        foreach (var training in new[] { true, false })
        {
            random.manual_seed(3);
            // Sixteen fill oneDNN's blocks: on some processors libtorch 2.10 reads what lies behind fewer.
            var fused = new XSepConv2d(16, 5, padding: PaddingDirection.Symmetric) { Backend = XSepBackend.Fused };
            var composed = new XSepConv2d(16, 5, padding: PaddingDirection.Symmetric, dtype: float64) { Backend = XSepBackend.Composed };
            StagePair.Copy(fused, composed);
            fused.train(training);
            composed.train(training);
            var x = randn(16, 16, 7, 5);
            var (expected, actual) = (Penalty(composed, x.to(float64)), Penalty(fused, x));

            // The last shift's second derivative is what is left of terms as large as the others.
            var largest = expected.Values.Max(gradient => gradient.abs().max().item<double>());
            foreach (var (name, reference) in expected) StagePair.Close(name, reference, actual[name], 1e-2 * largest);
        }

        // The gradient of a gradient's square.
        static Dictionary<string, Tensor> Penalty(XSepConv2d module, Tensor input)
        {
            var x = input.clone().requires_grad_(true);
            var y = module.call(x);
            var first = autograd.grad([(y * y * y).sum()], [x], retain_graph: true, create_graph: true)[0];
            first.square().sum().backward();
            var results = module.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.grad!);
            results["x"] = x.grad!;
            return results;
        }
    }

    [Fact]
    public void Any_strides_of_the_input_and_of_the_gradient_will_do()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(5);
        var module = new XSepConv2d(5, 3) { Backend = XSepBackend.Fused };
        var wide = randn(4, 9, 8, 5);
        var weights = randn(4, 7, 8, 5);
        var (expected, expectedGradient) = Run(wide.slice(1, 1, 8, 1).permute(0, 3, 1, 2).contiguous());
        var (actual, actualGradient) = Run(wide.slice(1, 1, 8, 1).permute(0, 3, 1, 2));
        Assert.True(expected.equal(actual).all().item<bool>());
        Assert.True(expectedGradient.equal(actualGradient).all().item<bool>());

        (Tensor, Tensor) Run(Tensor input)
        {
            var x = input.detach().requires_grad_(true);
            var y = module.call(x);
            (y * weights.permute(0, 3, 1, 2)).sum().backward();

            // An expanded gradient, of strides 0, too.
            module.call(x).mean().backward();
            return (y, x.grad!);
        }
    }

    [Fact]
    public void Fused_is_refused_where_it_cannot_run_and_Auto_composes_there()
    {
        using var scope = NewDisposeScope();
        var doubles = new XSepConv2d(4, 3, dtype: float64) { Backend = XSepBackend.Fused };
        var error = Assert.Throws<InvalidOperationException>(() => doubles.call(randn(2, 4, 3, 3, dtype: float64)));
        Assert.Contains("Fused, but the input has dtype Float64", error.Message, StringComparison.Ordinal);
        doubles.Backend = XSepBackend.Auto;
        Assert.Equal([2, 4, 3, 3], doubles.call(randn(2, 4, 3, 3, dtype: float64)).shape);

        var mixed = new XSepConv2d(4, 3) { Backend = XSepBackend.Fused };
        mixed.named_modules().First(entry => entry.name == "bn3").module.eval();
        error = Assert.Throws<InvalidOperationException>(() => mixed.call(randn(2, 4, 3, 3)));
        Assert.Contains("some batch norms are in training mode and some are not", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => mixed.Backend = (XSepBackend)5);
        Assert.Throws<ArgumentOutOfRangeException>(() => mixed.SetXSepBackend((XSepBackend)5));
    }

    [Fact]
    public void A_network_takes_one_backend_for_all_and_its_profile_says_which_it_came_to()
    {
        using var scope = NewDisposeScope();
        var network = new XSepMobileNetV3Small(new MobileNetV3Options { Width = 0.25, NumClasses = 3, Preset = ImagePreset.Cifar });
        Assert.Equal(network.modules().Count(module => module is XSepBlock or DwBlock), network.SetXSepBackend(XSepBackend.Composed));
        Assert.All(Backends(), backend => Assert.Equal(XSepBackend.Composed, backend));
        network.SetXSepBackend(XSepBackend.Auto);
        Assert.All(Backends(), backend => Assert.Equal(XSepBackend.Fused, backend));
        Assert.All(network.modules().OfType<XSepBlock>(), block => Assert.Equal(XSepBackend.Auto, block.Backend));
        Assert.All(network.modules().OfType<DwBlock>(), block => Assert.Equal(XSepBackend.Auto, block.Backend));
        network.to(float64);
        Assert.All(Backends(), backend => Assert.Equal(XSepBackend.Composed, backend));

        IEnumerable<XSepBackend?> Backends()
        {
            // Everything but the head's linear layers and the batch norm between them.
            var inner = ModelProfile.Of(network, 1, 3, 32, 32).Layers.Where(layer => layer.Backend is not null).ToList();
            Assert.Equal(
                ["linear3", "bn3", "linear4"],
                ModelProfile.Of(network, 1, 3, 32, 32).Layers.Where(layer => layer.Backend is null).Select(layer => layer.Name));
            return inner.Select(layer => layer.Backend);
        }
    }

    [Fact]
    public void A_weight_changed_between_forward_and_backward_is_an_exception_not_the_end_of_the_process()
    {
        using var scope = NewDisposeScope();
        var module = new XSepConv2d(4, 3) { Backend = XSepBackend.Fused };
        var y = module.call(randn(2, 4, 5, 5).requires_grad_(true)).sum();
        using (no_grad()) module.parameters().First().add_(1);
        Assert.ThrowsAny<Exception>(() => y.backward());
        module.call(randn(2, 4, 5, 5)).sum().backward();
    }

    [Fact]
    public void Training_and_inference_leave_no_tensor_and_no_memory_behind()
    {
        using var threads = new OneThread();
        using var module = new XSepConv2d(16, 5) { Backend = XSepBackend.Fused };
        using var optimizer = optim.SGD(module.parameters(), 1e-3);
        using var x = randn(16, 16, 14, 14);
        for (var i = 0; i < 200; i++) Step();
        var memory = UnmanagedMemory.InUse();
        var tensors = Tensor.TotalCount;
        for (var i = 0; i < 1_000; i++) Step();
        // Fewer is what the garbage collector found of other tests'; a leak would be 1,000.
        Assert.InRange(Tensor.TotalCount, 0, tensors);

        module.eval();
        using var noGrad = no_grad();
        for (var i = 0; i < 5_000; i++) module.call(x).Dispose();
        Assert.InRange(Tensor.TotalCount, 0, tensors);

        // A map has 100 kB and more, so 100 MB would be lost in the steps alone; the runtime's own buffers move by a few.
        Assert.InRange(UnmanagedMemory.InUse() - memory, long.MinValue, 8L << 20);

        void Step()
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            module.call(x).square().mean().backward();
            optimizer.step();
        }
    }
}
