using TorchSharp;
using XSepConv.Core.Tests.Inference;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Evaluation;

/// <summary>Networks in evaluation mode: what runs compiled gives what the layers give, and the rest runs as it did.</summary>
public sealed class CompiledEvaluationTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly OneThread _thread = new();

    public void Dispose()
    {
        _thread.Dispose();
        _scope.Dispose();
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(200, 24)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_random_network_gives_the_logits_of_its_layers_in_float64(int seed)
    {
        var (spec, height, width) = RandomNetworks.Spec(seed);
        using var network = EvaluatedNetwork.Create(spec, seed);
        foreach (var batch in new[] { 1, 3 }) EvaluatedNetwork.Check(network, randn(batch, spec.InputChannels, height, width));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Any_number_and_size_of_images_gets_the_bits_that_each_image_gets_alone(int threads)
    {
        set_num_threads(threads);
        using var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), 1);
        using var noGrad = no_grad();
        foreach (var (height, width) in new[] { (1, 1), (5, 9), (32, 32), (33, 20) })
        {
            foreach (var batch in new[] { 1, 2, 7, 32, 33, 70 })
            {
                var x = randn(batch, 3, height, width);
                EvaluatedNetwork.Again(network, x);
                var all = network.call(x);
                for (var i = 0; i < batch; i += 13) Assert.True(all[i].equal(network.call(x[i].unsqueeze(0))[0]).all().ToBoolean());
            }
        }
    }

    [Fact]
    public void Images_may_lie_in_any_order_and_stay_as_they_are()
    {
        using var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), 2);
        using var noGrad = no_grad();
        var x = randn(4, 3, 12, 10);
        var before = x.clone();
        var logits = network.call(x);
        Assert.True(before.equal(x).all().ToBoolean());
        Assert.True(logits.equal(network.call(x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2))).all().ToBoolean());
        Assert.True(logits.narrow(0, 1, 2).equal(network.call(x.narrow(0, 1, 2))).all().ToBoolean());
        Assert.True(logits.flip(0).equal(network.call(x.flip(0))).all().ToBoolean());
        Assert.Equal([0, 3], network.call(empty(0, 3, 12, 10)).shape);
    }

    [Fact]
    public void Where_gradients_are_wanted_they_come()
    {
        using var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), 3);
        var x = randn(2, 3, 16, 16);
        EvaluatedNetwork.Check(network, x);
        Assert.True(network.call(x).requires_grad);
        foreach (var parameter in network.parameters()) parameter.requires_grad = false;
        Assert.Null(network.Evaluation.WhyNot(x));
        Assert.False(network.call(x).requires_grad);
        var image = x.clone().requires_grad_();
        network.call(image).sum().backward();
        Assert.True(image.grad!.abs().sum().ToSingle() > 0);
        network.get_parameter("bneck.3.conv2.weight")!.requires_grad = true;
        Assert.NotNull(network.Evaluation.WhyNot(x));
        Assert.True(network.call(x).requires_grad);
    }

    [Fact]
    public void Inference_mode_is_as_good_as_no_grad()
    {
        using var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), 3);
        var x = randn(2, 3, 16, 16);
        var expected = EvaluatedNetwork.Check(network, x);
        using var inference = inference_mode();
        network.Evaluation.Release();
        Assert.Equal(expected, network.call(x).data<float>().ToArray());
        Assert.True(network.Evaluation.MemoryBytes > 0);
    }

    [Fact]
    public void Composed_and_other_types_run_layer_by_layer()
    {
        using var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), 4);
        var x = randn(2, 3, 16, 16);
        network.SetXSepBackend(XSepBackend.Composed);
        EvaluatedNetwork.Check(network, x, compiled: false);
        network.SetXSepBackend(XSepBackend.Fused);
        EvaluatedNetwork.Check(network, x);
        network.SetXSepBackend(XSepBackend.Auto);
        network.modules().OfType<XSepBlock>().Last().Backend = XSepBackend.Composed;
        EvaluatedNetwork.Check(network, x, compiled: false);
        network.SetXSepBackend(XSepBackend.Auto);
        EvaluatedNetwork.Check(network, x);
        network.to(float64);
        EvaluatedNetwork.Again(network, x.to(float64), compiled: false);
        Assert.Equal(0, network.Evaluation.MemoryBytes);
        network.to(float32);
        EvaluatedNetwork.Again(network, x);
    }

    [Fact]
    public void Any_module_in_training_mode_has_its_layers_run()
    {
        using var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), 5);
        using var noGrad = no_grad();
        var x = randn(4, 3, 16, 16);
        foreach (var (path, module) in network.named_modules().Where(entry => !entry.name.EndsWith("shortcut", StringComparison.Ordinal)))
        {
            module.train();
            Assert.True(network.Evaluation.WhyNot(x) is not null, path);
            module.eval();
            Assert.True(network.Evaluation.WhyNot(x) is null, path);
        }

        EvaluatedNetwork.Part<nn.Module>(network, "bneck.2.bn2").train();
        var running = network.get_buffer("bneck.2.bn2.running_mean")!.clone();
        network.call(x);
        Assert.False(running.equal(network.get_buffer("bneck.2.bn2.running_mean")!).all().ToBoolean());
    }

    [Fact]
    public void Every_hook_of_every_layer_runs_and_what_it_gives_back_counts()
    {
        using var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), 6);
        using var noGrad = no_grad();
        var x = randn(2, 3, 16, 16);
        var plain = EvaluatedNetwork.Check(network, x);
        foreach (var (path, module) in network.named_modules())
        {
            if (module is not nn.Module<Tensor, Tensor> layer || path.EndsWith("shortcut", StringComparison.Ordinal)) continue;
            var runs = 0;
            var hook = layer.register_forward_hook((_, _, y) => { runs++; return y * 2; });
            var changed = network.call(x).data<float>().ToArray();
            hook.remove();
            Assert.Equal((path, 1), (path, runs));
            if (layer is TorchSharp.Modules.Linear or TorchSharp.Modules.Dropout or IBlock) Assert.NotEqual(plain, changed);
            Assert.Equal(plain, network.call(x).data<float>().ToArray());
        }
    }

    [Fact]
    public void Sixteen_threads_evaluate_one_network_also_while_it_is_packed()
    {
        using var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), 7);
        var images = new[] { (1, 16), (3, 16), (2, 11), (40, 8) }.Select(size => randn(size.Item1, 3, size.Item2, size.Item2)).ToArray();
        var expected = images.Select(x => EvaluatedNetwork.Check(network, x)).ToArray();
        network.Evaluation.Release();
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 16 }, thread =>
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            set_num_threads(1);
            for (var i = 0; i < 12; i++)
            {
                var which = (thread + i) % images.Length;
                Assert.True(network.call(images[which]).data<float>().ToArray().AsSpan().SequenceEqual(expected[which]));
            }
        });
    }

    [Fact]
    public void Buffers_are_kept_for_four_sizes_and_all_goes_with_training_and_with_the_network()
    {
        var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), 8);
        using var noGrad = no_grad();
        Assert.Equal(0, network.Evaluation.MemoryBytes);
        network.call(randn(1, 3, 32, 32));
        var one = network.Evaluation.MemoryBytes;

        // At most what the runtime has for it: here the matrices of linear layers are not packed.
        var compiled = network.Compile();
        using (var session = compiled.CreateSession()) Assert.InRange(one, 1, compiled.WeightBytes + session.MemoryBytes);
        for (var size = 1; size < 32; size++) network.call(randn(1, 3, size, size));
        Assert.InRange(network.Evaluation.MemoryBytes, 1, 4 * one);
        network.call(randn(1, 3, 1024, 1024));
        Assert.InRange(network.Evaluation.MemoryBytes, 1, one + (64 << 20));
        network.train();
        network.call(randn(2, 3, 8, 8));
        Assert.Equal(0, network.Evaluation.MemoryBytes);
        network.eval();
        network.call(randn(2, 3, 8, 8));
        Assert.True(network.Evaluation.MemoryBytes > 0);
        network.Dispose();
        Assert.Equal(0, network.Evaluation.MemoryBytes);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Weights_and_images_that_are_no_numbers_give_what_the_layers_give(float value)
    {
        using var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), 9);
        using var noGrad = no_grad();
        var x = randn(2, 3, 16, 16);
        var fine = network.call(x).clone();
        var changed = x.clone();
        changed[0, 0, 3, 3] = value;
        Same(changed);
        var weight = network.get_parameter("linear4.weight")!;
        var held = weight.clone();
        weight[1, 1] = value;
        Same(x);
        weight.copy_(held);
        Assert.True(fine.equal(network.call(x)).all().ToBoolean());

        void Same(Tensor images)
        {
            var actual = network.call(images);
            network.SetXSepBackend(XSepBackend.Composed);
            var composed = network.call(images);
            network.SetXSepBackend(XSepBackend.Auto);
            Assert.True(actual.isfinite().equal(composed.isfinite()).all().ToBoolean());
            Assert.False(composed.isfinite().all().ToBoolean());
        }
    }

    // Scales and weights whose product float32 can't hold, though the layers' results are ordinary; and statistics far from one another.
    [Theory]
    [InlineData("bneck.1.conv1.weight", "bneck.1.bn1", 1e-25, 1e25, true)]
    [InlineData("bneck.1.conv1.weight", "bneck.1.bn1", 1e25, 1e-25, true)]
    [InlineData("bneck.5.conv3.weight", "bneck.5.bn3", 1e-30, 1e30, true)]
    [InlineData("linear3.weight", "bn3", 1e20, 1e-20, true)]
    public void Extreme_weights_are_finite_where_the_layers_are(string weight, string norm, double factor, double scale, bool isFinite)
    {
        using var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), 10);
        using var noGrad = no_grad();
        var x = randn(2, 3, 16, 16);
        network.get_parameter(weight)!.mul_(factor);
        network.get_buffer($"{norm}.running_mean")!.mul_(factor);
        network.get_parameter($"{norm}.weight")!.mul_(scale);
        network.get_buffer($"{norm}.running_var")!.fill_(1);
        network.SetXSepBackend(XSepBackend.Composed);
        var composed = network.call(x);
        network.SetXSepBackend(XSepBackend.Auto);
        var actual = network.call(x);
        Assert.True(composed.isfinite().logical_and(actual.isfinite().logical_not()).any().ToBoolean() is false);
        Assert.Equal(isFinite, composed.isfinite().all().ToBoolean());
        if (isFinite) Assert.True(actual.allclose(composed, rtol: 1e-3, atol: 1e-3 * composed.abs().max().ToDouble()));
    }
}
