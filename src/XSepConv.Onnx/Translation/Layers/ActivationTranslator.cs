using TorchSharp.Modules;
using static XSepConv.Onnx.GraphBuilder;

namespace XSepConv.Onnx;

/// <summary>Functions of single values, and softmax, as nodes.</summary>
internal sealed class ActivationTranslator(GraphBuilder graph)
{
    public OnnxTensor Activation(OnnxTensor x, Activation activation, string name) => activation switch
    {
        XSepConv.Activation.ReLU => Simple(x, "Relu", name),
        XSepConv.Activation.HSwish => HSwish(x, name),
        XSepConv.Activation.ReLU6 => ReLU6(x, name),
        XSepConv.Activation.SiLU => SiLU(x, name),
        _ => throw EnumValues.Unknown(activation),
    };

    public OnnxTensor Simple(OnnxTensor x, string operation, string name) => graph.Node(name, operation, x, [x.Name]);

    /// <summary>0 to 6.</summary>
    public OnnxTensor ReLU6(OnnxTensor x, string name) =>
        graph.Node(name, "Clip", x, [x.Name, Number($"{name}.min", 0), Number($"{name}.max", 6)]);

    public OnnxTensor SiLU(OnnxTensor x, string name) => Binary("Mul", x.Name, Simple(x, "Sigmoid", $"{name}.gate").Name, x, name);

    public OnnxTensor HSwish(OnnxTensor x, string name) => graph.Opset >= OnnxVersions.HardSwishOpset
        ? Simple(x, "HardSwish", name)
        : Binary("Mul", x.Name, HSigmoid(x, $"{name}.gate").Name, x, name);

    public OnnxTensor HSigmoid(OnnxTensor x, string name) =>
        graph.Node(name, "HardSigmoid", x, [x.Name], GraphBuilder.Number("alpha", 1.0 / 6), GraphBuilder.Number("beta", 0.5));

    public OnnxTensor LeakyReLU(OnnxTensor x, LeakyReLU module, string name) =>
        graph.Node(name, "LeakyRelu", x, [x.Name], GraphBuilder.Number("alpha", module.negative_slope));

    /// <summary>x/2 · (1 + erf(x/√2)), or x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))).</summary>
    public OnnxTensor GELU(OnnxTensor x, GELU module, ModuleAt at)
    {
        var name = at.NodeName("act");
        OnnxTensor curve;
        switch (module.approximate)
        {
            case TorchSharp.Modules.GELU.Approximate.none:
                var scaled = Binary("Mul", x.Name, Number($"{name}.scale", Math.Sqrt(0.5)), x, $"{name}.scaled");
                curve = Simple(scaled, "Erf", $"{name}.erf");
                break;
            case TorchSharp.Modules.GELU.Approximate.tanh:
                // x · (1 + 0.044715 x²), times √(2/π).
                var square = Binary("Mul", x.Name, x.Name, x, $"{name}.square");
                var bent = Binary("Mul", square.Name, Number($"{name}.cubic", 0.044715), x, $"{name}.bent");
                var slope = Binary("Add", bent.Name, Number($"{name}.one", 1), x, $"{name}.slope");
                var inner = Binary("Mul", x.Name, slope.Name, x, $"{name}.inner");
                curve = Simple(
                    Binary("Mul", inner.Name, Number($"{name}.scale", Math.Sqrt(2 / Math.PI)), x, $"{name}.scaled"), "Tanh",
                        $"{name}.tanh");
                break;
            default:
                throw ExportableModules.Refusal(at, $"its approximation is {module.approximate}; none and tanh are known");
        }

        var gate = Binary("Add", curve.Name, Number($"{name}.shift", 1), x, $"{name}.gate");
        var half = Binary("Mul", x.Name, Number($"{name}.factor", 0.5), x, $"{name}.half");
        return Binary("Mul", half.Name, gate.Name, x, name);
    }

    /// <param name="operation"><c>Softmax</c> or <c>LogSoftmax</c>.</param>
    /// <param name="dimension">As torch counts, the batch being 0.</param>
    public OnnxTensor Softmax(OnnxTensor x, string operation, long dimension, ModuleAt at)
    {
        var (name, rank) = (at.NodeName("softmax"), x.Sides.Count + 1);
        var axis = dimension < 0 ? dimension + rank : dimension;
        if (axis < 0 || axis >= rank) throw new ArgumentException($"{at.Where} is over dimension {dimension}, it gets {x}.");
        if (axis == 0) throw ExportableModules.Refusal(at, "it is over dimension 0, the batch, and each image is answered on its own");
        // Before version 13 it is over all dimensions from this one on.
        if (graph.Opset >= 13 || axis == rank - 1) return graph.Node(name, operation, x, [x.Name], Integer("axis", axis));
        long[] order = [.. Enumerable.Range(0, rank).Select(i => i == axis ? rank - 1 : i == rank - 1 ? axis : i)];
        var turned = graph.Node($"{name}.turned", "Transpose", LayerTranslator.Permuted(x, order), [x.Name], Integers("perm", order));
        var y = graph.Node($"{name}.last", operation, turned, [turned.Name], Integer("axis", rank - 1));
        return graph.Node(name, "Transpose", x, [y.Name], Integers("perm", order));
    }

    private string Number(string name, double value) => graph.Initializer(name, [value]);

    private OnnxTensor Binary(string operation, string a, string b, OnnxTensor like, string name) =>
        graph.Node(name, operation, like, [a, b]);
}
