using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>Modules with a forward of their own: by the interface, or by a registered translator.</summary>
public sealed class OwnForwardTests
{
    [Theory]
    [InlineData(OnnxExporter.OldestOpsetVersion)]
    [InlineData(OnnxExporter.OpsetVersion)]
    [InlineData(OnnxExporter.NewestOpsetVersion)]
    public void A_ConvNeXt_block_and_a_U_shape_compute_the_same(int opset)
    {
        using var network = Randomised.Eval(
            nn.Sequential(("stem", nn.Conv2d(3, 8, 4, 4)), ("0", new ConvNeXtBlock(8)), ("1", new ConvNeXtBlock(8)),
                ("u", new Branches(8))), 3);
        Agreement.Check(network, new() { Opset = opset }, "own", [1, 3, 32, 24], [3, 3, 20, 28]);
        Agreement.Check(network, new() { Opset = opset, Size = (32, 24), BatchNorm = OnnxBatchNorm.Kept }, "own, of one size",
            [2, 3, 32, 24]);
    }

    [Fact]
    public void A_batch_norm_that_a_module_calls_after_its_convolution_is_folded()
    {
        using var module = Randomised.Eval(new Branches(4), 3);
        var file = OnnxRuntime.Export(module, new() { Channels = 4 });
        Assert.False(OnnxFile.Info(file).Operators.ContainsKey("BatchNormalization"));
        Assert.Contains(OnnxFile.Parse(file).Graph.Initializer, tensor => tensor.Name == "down.0.weight");
    }

    [Fact]
    public void A_translator_is_registered_for_a_class_that_cannot_be_changed()
    {
        using var module = Randomised.Eval(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ELU(0.7), nn.Softmax2d()), 3);
        var options = new OnnxExportOptions
        {
            Translators = new Dictionary<Type, OnnxTranslator>
            {
                [typeof(ELU)] = (graph, elu, x) => graph.Node("Elu", [x], new Dictionary<string, object> { ["alpha"] = ((ELU)elu).alpha }),
                [typeof(Softmax2d)] = (graph, _, x) => graph.Call(x, nn.Softmax(1)),
            },
        };
        Agreement.Check(module, options, "translators", [2, 3, 5, 4]);
    }

    [Fact]
    public void A_translator_comes_before_what_is_known_and_before_the_interface()
    {
        using var module = Randomised.Eval(nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), new Branches(8)), 3);
        var options = new OnnxExportOptions
        {
            Translators = new Dictionary<Type, OnnxTranslator>
            {
                [typeof(ReLU)] = (graph, _, x) => graph.Call(x, nn.Tanh()),
                [typeof(Branches)] = (_, _, x) => x,
            },
        };
        Assert.Equal(["Conv", "Tanh"], OnnxFile.Parse(OnnxRuntime.Export(module, options)).Graph.Node.Select(node => node.OpType));
    }

    [Theory]
    [InlineData(typeof(Conv2d), "Tanh", "BatchNormalization")]
    [InlineData(typeof(BatchNorm2d), "Conv", "Tanh")]
    public void A_translator_of_either_comes_before_a_convolution_and_its_batch_norm_are_one(Type type, params string[] operators)
    {
        using var module = Randomised.Eval(nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)), 3);
        var options = new OnnxExportOptions
        {
            Translators = new Dictionary<Type, OnnxTranslator> { [type] = (graph, _, x) => graph.Call(x, nn.Tanh()) },
        };
        Assert.Equal(operators, OnnxFile.Parse(OnnxRuntime.Export(module, options)).Graph.Node.Select(node => node.OpType));
    }

    // A parameter is often written with a side of 1 for the batch; without one, as torch spreads it out, it is the same.
    [Fact]
    public void A_constant_may_have_a_batch_of_one()
    {
        foreach (var (shape, sides) in new (long[], string)[]
        {
            ([1, 4, 1, 1], "[N, 4, H, W]"), ([4, 1, 1], "[N, 4, H, W]"), ([1, 1, 1, 1], "[N, 4, H, W]"), ([1], "[N, 4, H, W]"),
            ([], "[N, 4, H, W]"), ([1, 4, 5, 6], "[N, 4, 5, 6]"),
        })
        {
            foreach (var turned in new[] { false, true })
            {
                foreach (var add in new[] { false, true })
                {
                    using var scope = NewDisposeScope();
                    using var values = rand(shape) + 0.5;
                    var seen = "";
                    using var module = Randomised.Eval(nn.Sequential(nn.Conv2d(3, 4, 1), new Scaled(values, add)), 3);
                    var options = new OnnxExportOptions
                    {
                        Translators = new Dictionary<Type, OnnxTranslator>
                        {
                            [typeof(Scaled)] = (graph, _, x) =>
                            {
                                var constant = graph.Constant("values", values);
                                var (a, b) = turned ? (constant, x) : (x, constant);
                                var result = add ? graph.Add(a, b) : graph.Multiply(a, b);
                                seen = $"{result}";
                                return result;
                            },
                        },
                    };
                    Agreement.Check(module, options, $"[{string.Join(", ", shape)}]", [2, 3, 5, 6]);
                    Assert.Equal(sides, seen);
                }
            }
        }
    }

    [Fact]
    public void What_does_not_go_together_is_named()
    {
        foreach (var (wrong, message) in new (OnnxTranslator, string)[]
        {
            ((graph, _, x) =>
                graph.Add(x, graph.Call(x, nn.Conv2d(4, 5, 1))), "'1' has [N, 4, H, W] and [N, 5, H, W] to add; they do not go together."),
            ((graph, _, x) => graph.Multiply(x, graph.Constant("scale", ones(3, 1, 1))),
                "'1' has [N, 4, H, W] and [3, 1, 1] to mul; they do not go together."),
            ((graph, _, x) => graph.Multiply(x, graph.Constant("scale", ones(2, 4, 1, 1))),
                "'1' has [N, 4, H, W] and [2, 4, 1, 1] to mul; they do not go together."),
            ((graph, _, x) => graph.Multiply(graph.Constant("scale", ones(new long[] { 1, 1, 4, 1, 1 })), x),
                "'1' has [1, 1, 4, 1, 1] and [N, 4, H, W] to mul; they do not go together."),
            ((graph, _, x) => graph.Multiply(x, graph.Call(x, nn.AdaptiveAvgPool2d(1), nn.Flatten())),
                "'1' has [N, 4, H, W] and [N, 4] to mul; they do not go together."),
            ((graph, _, x) => graph.Concatenate([x, graph.Call(x, nn.AdaptiveAvgPool2d(1), nn.Flatten())]),
                "'1' concatenates [N, 4, H, W], [N, 4] along dimension 1."),
            ((graph, _, x) => graph.Node("Elu", [x], new Dictionary<string, object> { ["alpha"] = true }),
                "The attribute 'alpha' is a System.Boolean; integers"),
            ((graph, _, x) => graph.Call(x, nn.Conv2d(7, 4, 1)), "'1.conv2d' takes maps of 7 channels, it gets [N, 4, H, W]."),
        })
        {
            using var module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ELU());
            var options = new OnnxExportOptions { Translators = new Dictionary<Type, OnnxTranslator> { [typeof(ELU)] = wrong } };
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(module, options)).Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_part_that_cannot_be_exported_is_named_by_its_place()
    {
        using var module = nn.Sequential(("block", new Odd()));
        var error = Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(module, new() { Channels = 3 }));
        Assert.StartsWith("'block.act' is a TorchSharp.Modules.Mish, which can't be exported", error.Message, StringComparison.Ordinal);
        Assert.Contains("OnnxExportOptions.Channels", Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(module)).Message,
            StringComparison.Ordinal);
    }

    private sealed class ConvNeXtBlock : nn.Module<Tensor, Tensor>, IOnnxExportable
    {
        private readonly Conv2d dwconv;
        private readonly LayerNorm norm;
        private readonly Linear pwconv1;
        private readonly Linear pwconv2;
        private readonly Parameter gamma;

        public ConvNeXtBlock(int channels) : base(nameof(ConvNeXtBlock))
        {
            dwconv = nn.Conv2d(channels, channels, 7, padding: 3, groups: channels);
            norm = nn.LayerNorm(channels, eps: 1e-6);
            (pwconv1, pwconv2) = (nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels));
            gamma = nn.Parameter(rand(channels) + 0.5);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            var y = norm.call(dwconv.call(x).permute(0, 2, 3, 1));
            y = gamma * pwconv2.call(nn.functional.gelu(pwconv1.call(y)));
            return x + y.permute(0, 3, 1, 2);
        }

        public OnnxTensor Export(OnnxGraph graph, OnnxTensor input)
        {
            var y = graph.Call(input, dwconv, torchvision.ops.Permute(0, 2, 3, 1), norm, pwconv1, nn.GELU(), pwconv2);
            y = graph.Multiply(graph.Constant(nameof(gamma), gamma), y);
            return graph.Add(input, graph.Call(y, torchvision.ops.Permute(0, 3, 1, 2)));
        }
    }

    private sealed class Branches : nn.Module<Tensor, Tensor>, IOnnxExportable
    {
        // In this order the first part is not the one that runs first.
        private readonly Conv2d last;
        private readonly Sequential down;

        public Branches(int channels) : base(nameof(Branches))
        {
            down = nn.Sequential(nn.Conv2d(channels, 6, 1), nn.BatchNorm2d(6), nn.ReLU());
            last = nn.Conv2d(channels + 6, 3, 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => last.call(cat([down.call(x), nn.functional.sigmoid(x)], 1));

        public OnnxTensor Export(OnnxGraph graph, OnnxTensor input) =>
            graph.Call(graph.Concatenate([graph.Call(input, down), graph.Call(input, nn.Sigmoid())]), last);
    }

    private sealed class Scaled(Tensor values, bool add) : nn.Module<Tensor, Tensor>(nameof(Scaled))
    {
        public override Tensor forward(Tensor x) => add ? x + values.to(x.dtype) : x * values.to(x.dtype);
    }

    private sealed class Odd : nn.Module<Tensor, Tensor>, IOnnxExportable
    {
        private readonly Mish act = nn.Mish();

        public Odd() : base(nameof(Odd)) => RegisterComponents();

        public override Tensor forward(Tensor x) => act.call(x);

        public OnnxTensor Export(OnnxGraph graph, OnnxTensor input) => graph.Call(input, act);
    }
}
