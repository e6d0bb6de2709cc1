using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

public sealed class ConstantTests
{
    [Fact]
    public void Sums_and_products_of_constants_are_constants_of_the_shape_that_torch_gives()
    {
        var random = new Random(5);
        using var noGrad = no_grad();
        for (var i = 0; i < 60; i++)
        {
            using var scope = NewDisposeScope();
            // What is spread out to [4, 5, 6], of any rank, sides of 1 among the others; with a batch of 1 now and then.
            Tensor[] values = [.. Enumerable.Range(0, 3).Select(_ => rand(Part(random)) + 0.5)];
            var add = random.Next(2) == 0;
            var folded = add ? values[0] + values[1] : values[0] * values[1];
            var seen = "";
            using var module = Randomised.Eval(nn.Sequential(nn.Conv2d(3, 4, 1), new Spread(folded, values[2])), 3);
            var options = new OnnxExportOptions
            {
                Translators = new Dictionary<Type, OnnxTranslator>
                {
                    [typeof(Spread)] = (graph, _, x) =>
                    {
                        var (a, b) = (graph.Constant("a", values[0]), graph.Constant("b", values[1]));
                        var both = add ? graph.Add(a, b) : graph.Multiply(a, b);
                        seen = $"{both}";
                        return graph.Add(graph.Multiply(both, x), graph.Constant("c", values[2]));
                    },
                },
            };
            Agreement.Check(module, options, $"{i}: {seen}", [2, 3, 5, 6]);
            Assert.Equal($"[{string.Join(", ", folded.shape)}]", seen);
        }
    }

    [Fact]
    public void Constants_that_do_not_go_together_are_named()
    {
        using var module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ELU());
        var options = new OnnxExportOptions
        {
            Translators = new Dictionary<Type, OnnxTranslator>
            {
                [typeof(ELU)] = (graph, _, _) => graph.Add(graph.Constant("a", ones(2, 3)), graph.Constant("b", ones(2, 2))),
            },
        };
        Assert.Contains("'1' has [2, 3] and [2, 2] to add; they do not go together.",
            Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(module, options)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-4)]
    [InlineData(-3)]
    [InlineData(-2)]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(-5)]
    public void Dimensions_to_concatenate_along_are_counted_as_torch_counts(int dimension)
    {
        using var module = Randomised.Eval(nn.Sequential(nn.Conv2d(3, 4, 1), new Joined(dimension)), 3);
        var options = new OnnxExportOptions
        {
            Translators = new Dictionary<Type, OnnxTranslator>
            {
                [typeof(Joined)] = (graph, _, x) => graph.Concatenate([x, graph.Call(x, nn.Tanh())], dimension),
            },
        };
        if (dimension is 0 or -4 or 4 or -5)
        {
            Assert.Contains($"along dimension {dimension}",
                Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(module, options)).Message, StringComparison.Ordinal);
        }
        else
        {
            Agreement.Check(module, options, $"along {dimension}", [2, 3, 5, 6]);
        }
    }

    private static long[] Part(Random random)
    {
        long[] sides = [1, 4, 5, 6];
        return [.. sides.Skip(random.Next(5)).Select(side => random.Next(3) == 0 ? 1 : side)];
    }

    private sealed class Spread(Tensor folded, Tensor added) : nn.Module<Tensor, Tensor>(nameof(Spread))
    {
        public override Tensor forward(Tensor x) => (folded.to(x.dtype) * x) + added.to(x.dtype);
    }

    private sealed class Joined(int dimension) : nn.Module<Tensor, Tensor>(nameof(Joined))
    {
        public override Tensor forward(Tensor x) => cat([x, x.tanh()], dimension);
    }
}
