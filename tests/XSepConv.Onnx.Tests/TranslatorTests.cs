using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>A registered translator is asked for every module of its class, wherever that runs.</summary>
public sealed class TranslatorTests
{
    private static IEnumerable<(string Name, Func<nn.Module<Tensor, Tensor>> Make, long[] Shape)> Modules()
    {
        foreach (var (name, make) in Small.Modules) yield return (name, make, [2, Small.In, 13, 9]);
        yield return ("MobileNetV2", () => torchvision.models.mobilenet_v2(7, width_mult: 0.35), [2, 3, 32, 32]);
        yield return ("MobileNetV3", () => torchvision.models.mobilenet_v3_small(), [2, 3, 32, 32]);
        yield return ("ResNet", () => torchvision.models.resnet18(7), [2, 3, 32, 32]);
    }

    [Fact]
    public void It_is_asked_as_often_as_such_a_module_runs()
    {
        using var noGrad = no_grad();
        foreach (var (name, make, shape) in Modules())
        {
            using var module = Randomised.Eval(make(), 3);
            var classes = module.named_modules().Where(entry => entry.name.Length > 0).Select(entry => entry.module.GetType());
            foreach (var type in classes.Distinct())
            {
                var outputs = Outputs(module, type, shape);
                var asked = new List<string>();
                var options = new OnnxExportOptions
                {
                    Size = ((int)shape[2], (int)shape[3]),
                    Translators = new Dictionary<Type, OnnxTranslator>
                    {
                        [type] = (graph, part, x) =>
                        {
                            var path = module.named_modules().First(entry => ReferenceEquals(entry.module, part)).name;
                            asked.Add(path);
                            return graph.Node("Identity", [x], shape: [.. outputs[path].Skip(1).Select(side => (long?)side)]);
                        },
                    },
                };
                OnnxExporter.Export(module, Stream.Null, options);
                Assert.True(outputs.Keys.Order().SequenceEqual(asked.Order()),
                    $"{name}, {type.Name}: runs {string.Join(", ", outputs.Keys)}; asked of {string.Join(", ", asked)}");
            }
        }
    }

    // What the modules of a class return as torch runs them, those aside that are inside another one of the class.
    private static Dictionary<string, long[]> Outputs(nn.Module<Tensor, Tensor> module, Type type, long[] shape)
    {
        using var scope = NewDisposeScope();
        var outputs = new Dictionary<string, long[]>();
        var remove = new List<Action>();
        foreach (var (path, part) in module.named_modules().Where(entry => entry.module.GetType() == type))
        {
            remove.Add(((nn.Module<Tensor, Tensor>)part).register_forward_hook((_, _, y) =>
            {
                outputs[path] = y.shape;
                return y;
            }).remove);
        }

        module.call(randn(shape));
        foreach (var end in remove) end();
        return outputs.Where(entry => !outputs.Keys.Any(outer => entry.Key.StartsWith($"{outer}.", StringComparison.Ordinal)))
            .ToDictionary();
    }

    // One that does what the layer does changes nothing, where the layer is padded on one side too.
    [Fact]
    public void One_that_does_the_same_gives_the_same()
    {
        foreach (var (name, make) in Small.Modules)
        {
            foreach (var type in new[] { typeof(Conv2d), typeof(BatchNorm2d) })
            {
                using var module = Randomised.Eval(make(), 3);
                var options = new OnnxExportOptions
                {
                    Translators = new Dictionary<Type, OnnxTranslator>
                    {
                        [type] = (graph, part, x) => part is Conv2d conv
                            ? Convolution(graph, conv, x)
                            : Norm(graph, (BatchNorm2d)part, x),
                    },
                };
                Agreement.Check(module, options, $"{name}, {type.Name}", [2, Small.In, 13, 9]);
            }
        }
    }

    private static OnnxTensor Convolution(OnnxGraph graph, Conv2d conv, OnnxTensor x)
    {
        List<OnnxTensor> inputs = [x, graph.Constant("weight", conv.weight)];
        if (conv.bias is { } bias) inputs.Add(graph.Constant("bias", bias));
        var (p, s) = (conv.padding!, conv.stride);
        var attributes = new Dictionary<string, object>
        {
            ["pads"] = new[] { p[0], p[1], p[0], p[1] },
            ["strides"] = s,
            ["group"] = conv.groups,
        };
        return graph.Node("Conv", inputs, attributes, [conv.weight.shape[0], null, null]);
    }

    private static OnnxTensor Norm(OnnxGraph graph, BatchNorm2d norm, OnnxTensor x) => graph.Node(
        "BatchNormalization",
        [
            x, graph.Constant("weight", norm.weight!), graph.Constant("bias", norm.bias!), graph.Constant("mean", norm.running_mean!),
            graph.Constant("variance", norm.running_var!),
        ],
        new Dictionary<string, object> { ["epsilon"] = norm.eps });
}
