using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>What the fused depthwise stage does inside a <see cref="DwBlock"/>, besides computing right.</summary>
public class FusedDwBlockTests
{
    [Theory]
    [InlineData(SqueezeExcite.None)]
    [InlineData(SqueezeExcite.Output)]
    [InlineData(SqueezeExcite.Expanded)]
    public void Fused_and_composed_blocks_compute_the_same_wherever_squeeze_excite_stands(SqueezeExcite squeezeExcite)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(11);
        var fused = new DwBlock(5, 6, 20, 8, squeezeExcite: squeezeExcite, stride: 2) { Backend = XSepBackend.Fused };
        var composed = new DwBlock(5, 6, 20, 8, squeezeExcite: squeezeExcite, stride: 2, dtype: float64) { Backend = XSepBackend.Composed };
        StagePair.Copy(fused, composed);
        var x = randn(16, 6, 9, 10);
        StagePair.Close("training", composed.call(x.to(float64)), fused.call(x));
        foreach (var (name, buffer) in composed.named_buffers()) StagePair.Close(name, buffer, fused.named_buffers().First(entry => entry.name == name).buffer);
        fused.eval();
        composed.eval();
        StagePair.Close("inference", composed.call(x.to(float64)), fused.call(x));
        Assert.Equal(composed.state_dict().Keys, fused.state_dict().Keys);
    }

    [Fact]
    public void Second_derivatives_are_those_of_the_composed_stage()
    {
        using var scope = NewDisposeScope();
        foreach (var training in new[] { true, false })
        {
            random.manual_seed(3);
            // Sixteen fill oneDNN's blocks: on some processors libtorch 2.10 reads what lies behind fewer.
            var fused = new DwBlock(3, 16, 16, 16, Activation.HSwish, SqueezeExcite.None) { Backend = XSepBackend.Fused };
            var composed = new DwBlock(3, 16, 16, 16, Activation.HSwish, SqueezeExcite.None, dtype: float64) { Backend = XSepBackend.Composed };
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
        static Dictionary<string, Tensor> Penalty(DwBlock block, Tensor input)
        {
            var x = input.clone().requires_grad_(true);
            var y = block.call(x);
            var first = autograd.grad([(y * y * y).sum()], [x], retain_graph: true, create_graph: true)[0];
            first.square().sum().backward();
            var results = block.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.grad!);
            results["x"] = x.grad!;
            return results;
        }
    }

    [Fact]
    public void Fused_is_refused_where_it_cannot_run_and_Auto_composes_there()
    {
        using var scope = NewDisposeScope();
        var block = new DwBlock(3, 4, 8, 4, dtype: float64) { Backend = XSepBackend.Fused };
        var error = Assert.Throws<InvalidOperationException>(() => block.call(randn(2, 4, 3, 3, dtype: float64)));
        Assert.Contains("Fused, but the input has dtype Float64", error.Message, StringComparison.Ordinal);
        block.Backend = XSepBackend.Auto;
        Assert.Equal([2, 4, 3, 3], block.call(randn(2, 4, 3, 3, dtype: float64)).shape);
        Assert.Throws<ArgumentOutOfRangeException>(() => block.Backend = (XSepBackend)5);
    }

    [Fact]
    public void A_weight_changed_between_forward_and_backward_is_an_exception_not_the_end_of_the_process()
    {
        using var scope = NewDisposeScope();
        var block = new DwBlock(3, 4, 8, 4) { Backend = XSepBackend.Fused };
        var y = block.call(randn(2, 4, 5, 5)).sum();
        using (no_grad()) block.named_parameters().First(entry => entry.name == "conv2.weight").parameter.add_(1);
        Assert.ThrowsAny<Exception>(() => y.backward());
        block.call(randn(2, 4, 5, 5)).sum().backward();
    }

    [Fact]
    public void Conversion_sees_into_a_block_that_would_run_fused()
    {
        using var scope = NewDisposeScope();
        var network = nn.Sequential(new DwBlock(5, 4, 8, 4), nn.Conv2d(4, 4, 5, padding: 2, groups: 4, bias: false), nn.BatchNorm2d(4));
        var report = XSepConverter.Convert(network, [2, 4, 8, 8]);
        Assert.Equal(["1"], report.Replaced.Select(layer => layer.Path));
        var left = Assert.Single(report.Left);
        Assert.Equal("0.conv2", left.Path);
        Assert.DoesNotContain("did not run", left.Reason, StringComparison.Ordinal);
        Assert.All(network.modules().OfType<DwBlock>(), block => Assert.Equal(XSepBackend.Auto, block.Backend));
    }

    [Fact]
    public void Training_and_inference_leave_no_tensor_and_no_memory_behind()
    {
        using var threads = new OneThread();
        using var module = new DwBlock(3, 8, 16, 8, squeezeExcite: SqueezeExcite.None, stride: 2) { Backend = XSepBackend.Fused };
        using var optimizer = optim.SGD(module.parameters(), 1e-3);
        using var x = randn(16, 8, 14, 14);
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

        // The smallest map, the block's result, has 25 kB, so 25 MB would be lost in the steps alone; the runtime's own buffers move by a few.
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
