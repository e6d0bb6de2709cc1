using TorchSharp;
using XSepConv.Core.Tests.Parity;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>Values that float32 hardly holds, and what is no number: finite where the composed layers are, and no number where they are.</summary>
public sealed class ExtremeValueTests : IDisposable
{
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

    /// <summary>Against float64, in which squares of 1e30 are ordinary numbers.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Large_values_have_the_gradients_of_float64(string kernel, bool xsep, Activation activation, int batch)
    {
        foreach (var value in new[] { 1e12f, 1e19f, 1e30f })
        {
            var expected = StageOf(kernel, xsep, activation, batch, training: true, value, whole: false, XSepBackend.Composed, float64);
            var actual = StageOf(kernel, xsep, activation, batch, training: true, value, whole: false, XSepBackend.Fused);
            Assert.Equal(expected.Length, actual.Length);
            var norms = xsep ? 3 : 1;
            for (var i = expected.Length - (2 * norms); i < expected.Length; i++)
            {
                // Running statistics, updated once; a variance of 1e57 is infinite in float32.
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

        Tensor ByChannel(Tensor x) => x.dim() == 4 && x.size(0) == batch && x.size(1) == 5 ? x.transpose(0, 1).reshape(5, -1) : x.reshape(5, -1);
    }

    private static Tensor[] StageOf(string kernel, bool xsep, Activation activation, int batch, bool training, float value, bool whole, XSepBackend backend, ScalarType type = ScalarType.Float32)
    {
        var stage = new StageCase(batch, 5, 6, 7, 3, 1, activation, xsep ? PaddingDirection.RightBottom : null) { Activated = true };
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
        var x = randn(batch, 5, 6, 7);
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
                ? new FusedXSep(new(batch, 5, 6, 7, 3, 1, PaddingDirection.RightBottom, activation) { ActivateOutput = true }, kernels, norms[0], norms[1], norms[2], training)
                : new FusedDepthwise(new(batch, 5, 6, 7, 3, 1, activation), kernels, norms[0], training);
            return operation.Apply([x, .. layers.SelectMany(layer => new Tensor[] { layer.Conv.weight, layer.Norm.weight, layer.Norm.bias! })]);
        }
    }
}
