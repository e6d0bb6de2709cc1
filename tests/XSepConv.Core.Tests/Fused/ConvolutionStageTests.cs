using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>A network's stem and its last convolution: the same bits on any number of threads, finite where the layers are.</summary>
public sealed class ConvolutionStageTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<int, int> Shapes => new() { { 1, 1 }, { 3, 1 }, { 3, 2 } };

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_number_of_threads_changes_no_bit(int kernel, int stride) => ThreadCounts.ChangeNoBit(() =>
    {
        random.manual_seed(4);
        return Step(randn(9, 16, 33, 21), kernel, stride, training: true, XSepBackend.Fused);
    });

    [Theory]
    [MemberData(nameof(Shapes))]
    public void They_are_finite_where_the_layers_are_and_nowhere_else(int kernel, int stride)
    {
        foreach (var training in new[] { true, false })
        {
            foreach (var value in new[] { 1e30f, -1e30f, 1e19f, 1e-30f, float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            {
                var (expected, actual) = (Run(XSepBackend.Composed), Run(XSepBackend.Auto));
                Assert.Equal(expected.Count, actual.Count);
                for (var i = 0; i < expected.Count; i++)
                {
                    var (one, other) = (expected[i].isfinite(), actual[i].isfinite());
                    var farther = one.logical_and(other.logical_not()).sum().item<long>();
                    Assert.True(farther == 0, $"{farther} values of result {i} are finite composed and not fused: {value}, training {training}");
                    if (float.IsFinite(value)) continue;
                    var nearer = one.logical_not().logical_and(other).sum().item<long>();
                    Assert.True(nearer == 0, $"{nearer} values of result {i} are finite fused and not composed: {value}, training {training}");
                }

                List<Tensor> Run(XSepBackend backend)
                {
                    random.manual_seed(4);
                    var x = randn(4, 16, 7, 6);
                    x[1, 2, 3, 4] = value;
                    return Step(x, kernel, stride, training, backend);
                }
            }
        }
    }

    // The result, the gradient of the map, and the running statistics. Sixteen channels: on some processors libtorch's gradients of fewer are wrong.
    private static List<Tensor> Step(Tensor map, int kernel, int stride, bool training, XSepBackend backend)
    {
        random.manual_seed(3);
        var (conv, norm) = (nn.Conv2d(16, 32, kernel, stride, kernel / 2, bias: false), nn.BatchNorm2d(32));
        norm.train(training);
        map = map.requires_grad_(true);
        var result = new ConvolutionStage(conv, norm, Activation.HSwish) { Backend = backend }.Forward(map);
        result.square().sum().backward();
        List<Tensor> results = [result.detach(), map.grad!, conv.weight.grad!, norm.running_mean!.clone(), norm.running_var!.clone()];

        // A norm that is collected takes its buffers along.
        GC.KeepAlive(norm);
        return results;
    }
}
