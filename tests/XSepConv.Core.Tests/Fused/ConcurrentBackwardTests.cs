using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>libtorch lets several threads go backward through one graph that is retained.</summary>
public sealed class ConcurrentBackwardTests
{
    [Theory]
    [InlineData("block")]
    [InlineData("network's first convolution")]
    [InlineData("XSepConv2d")]
    public void Threads_in_one_graph_get_the_gradients_of_one_alone(string name)
    {
        using var threads = new OneThread();
        using var scope = NewDisposeScope();
        random.manual_seed(3);
        var x = randn(16, 8, 20, 20).requires_grad_(true);
        var (y, inputs) = Create(name, x);
        Tensor[] given = [.. Enumerable.Range(0, 8).Select(_ => randn_like(y))];
        byte[][][] expected = [.. given.Select(gradient => Gradients(gradient))];
        Parallel.For(0, given.Length, new ParallelOptions { MaxDegreeOfParallelism = given.Length }, thread =>
        {
            set_num_threads(1);
            for (var i = 0; i < 30; i++)
            {
                Assert.All(Gradients(given[thread]).Zip(expected[thread]), pair => Assert.True(pair.First.AsSpan().SequenceEqual(pair.Second)));
            }
        });

        byte[][] Gradients(Tensor gradient)
        {
            using var inner = NewDisposeScope();
            return [.. autograd.grad([y], inputs, [gradient], retain_graph: true).Select(one => one.contiguous().bytes.ToArray())];
        }
    }

    private static (Tensor Output, Tensor[] Inputs) Create(string name, Tensor x)
    {
        switch (name)
        {
            case "block":
                var block = new XSepBlock(5, 8, 40, 8, PaddingDirection.Symmetric);
                return (block.call(x), [x, .. block.parameters()]);
            case "XSepConv2d":
                var layer = new XSepConv2d(8, 5);
                return (layer.call(x), [x, .. layer.parameters()]);
            default:
                var conv = nn.Conv2d(8, 16, 3, padding: 1, bias: false);
                var norm = nn.BatchNorm2d(16);
                return (new ConvolutionStage(conv, norm, Activation.HSwish).Forward(x), [x, conv.weight, norm.weight, norm.bias!]);
        }
    }
}
