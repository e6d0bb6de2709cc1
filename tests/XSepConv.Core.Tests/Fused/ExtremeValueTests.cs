using TorchSharp;
using XSepConv.Core.Tests.Parity;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>Values that float32 hardly holds, and what is no number: finite where the composed layers are, and no number where they are.</summary>
public sealed class ExtremeValueTests : IDisposable
{
    // Sixteen fill oneDNN's blocks: on some processors libtorch 2.10 reads what lies behind fewer.
    private const int Channels = 16;

    private readonly OneThread _thread = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _thread.Dispose();
    }

    public static TheoryData<string, bool, Activation, int> Cases()
    {
        var data = new TheoryData<string, bool, Activation, int>();
        foreach (var kernel in Widths.Names)
        {
            foreach (var xsep in new[] { true, false })
            {
                foreach (var activation in Enum.GetValues<Activation>())
                {
                    // Images in the lanes, and channels.
                    foreach (var batch in new[] { 20, 2 }) data.Add(kernel, xsep, activation, batch);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_stage_is_finite_where_the_composed_layers_are_and_nowhere_else(string kernel, bool xsep, Activation activation, int batch)
    {
        foreach (var training in new[] { true, false })
        {
            foreach (var value in new[] { 1e30f, -1e30f, 1e19f, 1e-30f, float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            {
                foreach (var whole in new[] { false, true })
                {
                    var what = $"{value}, {(whole ? "a whole channel" : "a pixel")}, {(training ? "training" : "frozen")}";
                    var expected = Run(XSepBackend.Composed);
                    var actual = Run(XSepBackend.Fused);
                    foreach (var (name, one, other) in new[] { "output", "input gradient" }.Zip(expected, actual))
                    {
                        // Composed, a sum of 1e38 may have left float32 where float64 still holds it; not the other way.
                        var farther = one.isfinite().logical_and(other.isfinite().logical_not()).sum().item<long>();
                        Assert.True(farther == 0, $"{name}: {farther} values are finite composed and not fused: {what}");
                        if (Math.Abs(value) <= 1e30f) continue;
                        var nearer = one.isfinite().logical_not().logical_and(other.isfinite()).sum().item<long>();
                        Assert.True(nearer == 0, $"{name}: {nearer} values are finite fused and not composed: {what}");
                    }

                    Tensor[] Run(XSepBackend backend) => StageOf(kernel, xsep, activation, batch, training, value, whole, backend);
                }
            }
        }
    }

    /// <summary>Where a statistic leaves the range in which float32 holds squares, all channels are the composed layers'.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Large_values_have_the_bits_of_the_composed_layers(string kernel, bool xsep, Activation activation, int batch)
    {
        foreach (var value in new[] { 1e12f, 1e19f, 1e30f })
        {
            var expected = StageOf(kernel, xsep, activation, batch, training: true, value, whole: false, XSepBackend.Composed);
            var actual = StageOf(kernel, xsep, activation, batch, training: true, value, whole: false, XSepBackend.Fused);
            Assert.Equal(expected.Length, actual.Length);
            for (var i = 0; i < expected.Length; i++)
            {
                var same = expected[i].eq(actual[i]).logical_or(expected[i].isnan().logical_and(actual[i].isnan()));
                Assert.True(same.all().item<bool>(), $"{value}, result {i}");
            }
        }
    }

    /// <summary>Against float64. Composed layers hold it as long as the variance, here to 1e36, is one in float32: torch sums in float64.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Large_values_have_the_gradients_of_float64(string kernel, bool xsep, Activation activation, int batch)
    {
        foreach (var value in new[] { 1e12f, 1e19f })
        {
            var expected = StageOf(kernel, xsep, activation, batch, training: true, value, whole: false, XSepBackend.Composed, float64);
            var actual = StageOf(kernel, xsep, activation, batch, training: true, value, whole: false, XSepBackend.Fused);
            Assert.Equal(expected.Length, actual.Length);
            var norms = xsep ? 3 : 1;
            for (var i = expected.Length - (2 * norms); i < expected.Length; i++)
            {
                // Running statistics, updated once.
                Assert.True(expected[i].to(float32).isclose(actual[i], rtol: 1e-4, atol: 1e-6).all().item<bool>(), $"{value}, running statistics {i}");
            }

            for (var i = 0; i < expected.Length - (2 * norms); i++)
            {
                // Each channel by its own size, which lies far from the others'. Statistics are kept in float32: a rounding of 6e-8 comes back with the
                // square of 840 values, and the input gradient is what is left of terms of some 10 / value.
                var (one, other) = (ByChannel(expected[i]), ByChannel(actual[i].to(float64)));
                var difference = (one - other).abs().amax([1L]);
                var bound = (one.abs().amax([1L]) * 1e-3) + (i == 1 ? 1e-3 / value : 1e-3);
                Assert.True(difference.le(bound).all().item<bool>(), $"{value}, result {i}: {difference.cstr()} of {one.abs().amax([1L]).cstr()}");
            }
        }

        Tensor ByChannel(Tensor x) =>
            x.dim() == 4 && x.size(0) == batch && x.size(1) == Channels ? x.transpose(0, 1).reshape(Channels, -1) : x.reshape(Channels, -1);
    }

    /// <summary>The kernels, which try first, count the batch; the composed layers that take their place do not.</summary>
    [Theory]
    [InlineData(true, 0.1)]
    [InlineData(true, null)]
    [InlineData(false, 0.1)]
    [InlineData(false, null)]
    public void A_batch_is_counted_once(bool xsep, double? momentum)
    {
        var stage = new StageCase(4, Channels, 6, 7, 3, 1, Activation.HSwish, xsep ? PaddingDirection.RightBottom : null);
        var (composed, fused) = (stage.Layers(float32), stage.Layers(float32));
        foreach (var ((conv, norm), (otherConv, otherNorm)) in composed.Zip(fused))
        {
            StagePair.Copy(conv, otherConv);
            norm.momentum = otherNorm.momentum = momentum;
        }

        foreach (var (i, value) in new[] { 1, 1e12f, 2, 1e12f }.Index())
        {
            // Without gradients, too.
            using var grad = set_grad_enabled(i > 1);
            var x = randn(4, Channels, 6, 7);
            x[1, 2, 3, 4] = value;
            stage.Stage(composed, XSepBackend.Composed)(x);
            stage.Stage(fused, XSepBackend.Fused)(x);
            foreach (var ((_, one), (_, other)) in composed.Zip(fused))
            {
                Assert.Equal(i + 1, other.num_batches_tracked!.item<long>());
                Assert.True(one.running_mean!.isclose(other.running_mean!, rtol: 1e-5, atol: 1e-5).all().item<bool>(), $"mean after batch {i + 1}");
                Assert.True(one.running_var!.isclose(other.running_var!, rtol: 1e-5, atol: 1e-5).all().item<bool>(), $"variance after batch {i + 1}");
            }
        }

        // A norm that is collected takes its buffers along.
        GC.KeepAlive((composed, fused));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Composed_layers_leave_no_tensor_behind(bool xsep)
    {
        var stage = new StageCase(4, Channels, 6, 7, 3, 1, Activation.HSwish, xsep ? PaddingDirection.RightBottom : null);
        var run = stage.Stage(stage.Layers(float32), XSepBackend.Fused);
        var x = randn(4, Channels, 6, 7).requires_grad_(true);
        var plain = Step();
        using (no_grad()) x[1, 2, 3, 4] = 1e12f;
        for (var i = 0; i < 20; i++) Assert.Equal(plain, Step());
        var tensors = Tensor.TotalCount;
        for (var i = 0; i < 200; i++) Step();
        // Fewer is what the garbage collector found of other tests'; a leak would be 200.
        Assert.InRange(Tensor.TotalCount, 0, tensors);

        // How many tensors the forward leaves to its caller's scope.
        int Step()
        {
            using var scope = NewDisposeScope();
            var y = run(x);
            var made = scope.DisposablesCount;
            y.square().mean().backward();
            return made;
        }
    }

    private static Tensor[] StageOf(string kernel, bool xsep, Activation activation, int batch, bool training, float value, bool whole, XSepBackend backend, ScalarType type = ScalarType.Float32)
    {
        var stage = new StageCase(batch, Channels, 6, 7, 3, 1, activation, xsep ? PaddingDirection.RightBottom : null) { Activated = true };
        var (layers, narrow) = (stage.Layers(type), stage.Layers(float32));
        random.manual_seed(3);
        using var noGrad = no_grad();
        foreach (var ((conv, norm), (narrowConv, _)) in layers.Zip(narrow))
        {
            // Of one stream of random numbers, whatever the type.
            conv.weight.copy_(narrowConv.weight.uniform_(0.2, 0.6));
            norm.bias!.fill_(0.25);
        }

        foreach (var (_, norm) in layers) norm.train(training);
        var x = randn(batch, Channels, 6, 7);
        if (whole) x[.., 2] = value;
        else x[1, 2, 3, 4] = value;
        using var grad = enable_grad();
        x = x.to(type).requires_grad_(true);
        var y = backend == XSepBackend.Composed ? stage.Stage(layers, backend)(x) : Fused();
        y.square().sum().backward();
        Tensor[] results = [y.detach(), x.grad!, .. layers.SelectMany(layer => new[] { layer.Conv.weight.grad!, layer.Norm.weight.grad!, layer.Norm.bias!.grad! }),
            .. layers.SelectMany(layer => new[] { layer.Norm.running_mean!.clone(), layer.Norm.running_var!.clone() })];

        // A norm that is collected takes its buffers along.
        GC.KeepAlive(layers);
        return results;

        Tensor Fused()
        {
            var kernels = KernelRegistry.Choose(kernel);
            var norms = layers.Select(layer => new FusedNorm(layer.Norm)).ToList();
            FusedOperator operation = xsep
                ? new FusedXSep(new(batch, Channels, 6, 7, 3, 1, PaddingDirection.RightBottom, activation) { ActivateOutput = true }, kernels, norms[0], norms[1], norms[2])
                : new FusedDepthwise(new(batch, Channels, 6, 7, 3, 1, activation), kernels, norms[0]);
            return operation.Apply([x, .. layers.SelectMany(layer => new Tensor[] { layer.Conv.weight, layer.Norm.weight, layer.Norm.bias! })]);
        }
    }
}
