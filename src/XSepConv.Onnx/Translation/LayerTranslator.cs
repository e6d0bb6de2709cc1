using static XSepConv.Onnx.GraphBuilder;

namespace XSepConv.Onnx;

/// <summary>Single layers as nodes.</summary>
internal sealed class LayerTranslator(GraphBuilder graph)
{
    public Value Convolution(Value x, ModuleAt conv, ModuleAt? norm = null) =>
        Convolution(x, LayerWeights.Of(conv), ConvGeometry.Of(conv), norm);

    /// <summary>A convolution with other weights or padding than its module has, and the batch norm after it.</summary>
    public Value Convolution(Value x, LayerWeights weights, ConvGeometry geometry, ModuleAt? norm)
    {
        RequireMap(x, weights.At, weights.Shape[1] * geometry.Groups);
        var values = norm is { } at ? BatchNormValues.Of(at, weights) : null;
        if (graph.FoldBatchNorm && values is not null) weights = weights.Folded(values);
        var (pads, strides, dilations) = (geometry.Pads, geometry.Strides, geometry.Dilations);
        long[] kernel = [weights.Shape[2], weights.Shape[3]];
        var result = new Value(
            "", weights.Shape[0],
            x.Height!.Value.After((dilations[0] * (kernel[0] - 1)) + 1, pads[0] + pads[2], strides[0]),
            x.Width!.Value.After((dilations[1] * (kernel[1] - 1)) + 1, pads[1] + pads[3], strides[1]));
        if (result.Height is { Symbol: null, Size: < 1 } || result.Width is { Symbol: null, Size: < 1 })
        {
            throw new ArgumentException(
                $"The input is too small: {weights.At.Where} gets a map {x.Shape}, smaller than its {kernel[0]}×{kernel[1]} kernel.");
        }

        var y = graph.Node(
            weights.At.NodeName("conv"), "Conv", result, Inputs(x, weights),
            Integers("dilations", dilations), Integer("group", geometry.Groups), Integers("kernel_shape", kernel),
            Integers("pads", pads), Integers("strides", strides));
        return graph.FoldBatchNorm || values is null ? y : BatchNorm(y, values);
    }

    /// <summary>A linear layer and the batch norm after it.</summary>
    public Value Linear(Value x, ModuleAt linear, ModuleAt? norm = null)
    {
        var weights = LayerWeights.Of(linear);
        if (x.IsMap || x.Channels != weights.Shape[1])
        {
            throw new ArgumentException($"{linear.Where} is a linear layer of {weights.Shape[1]} features, it gets {x.Shape}.");
        }

        var values = norm is { } at ? BatchNormValues.Of(at, weights) : null;
        if (graph.FoldBatchNorm && values is not null) weights = weights.Folded(values);
        var y = graph.Node(
            linear.NodeName("linear"), "Gemm", new("", weights.Shape[0], null, null), Inputs(x, weights), Integer("transB", 1));
        return graph.FoldBatchNorm || values is null ? y : BatchNorm(y, values);
    }

    public Value BatchNorm(Value x, BatchNormValues values)
    {
        if (x.Channels != values.Mean.Length)
        {
            throw new ArgumentException($"{values.At.Where} is a batch norm of {values.Mean.Length} channels, it gets {x.Shape}.");
        }

        long[] shape = [values.Mean.Length];
        string[] inputs =
        [
            x.Name,
            graph.Initializer(values.At.Name("weight"), values.Scale, shape),
            graph.Initializer(values.At.Name("bias"), values.Shift, shape),
            graph.Initializer(values.At.Name("running_mean"), values.Mean, shape),
            graph.Initializer(values.At.Name("running_var"), values.Variance, shape),
        ];
        return graph.Node(values.At.NodeName("norm"), "BatchNormalization", x, inputs, Number("epsilon", values.Epsilon));
    }

    public Value Activation(Value x, Activation activation, string name) => activation switch
    {
        XSepConv.Activation.ReLU => ReLU(x, name),
        XSepConv.Activation.HSwish => HSwish(x, name),
        XSepConv.Activation.ReLU6 => ReLU6(x, name),
        XSepConv.Activation.SiLU => SiLU(x, name),
        _ => throw EnumValues.Unknown(activation),
    };

    public Value ReLU(Value x, string name) => graph.Node(name, "Relu", x, [x.Name]);

    /// <summary>0 to 6.</summary>
    public Value ReLU6(Value x, string name) =>
        graph.Node(name, "Clip", x, [x.Name, graph.Initializer($"{name}.min", [0]), graph.Initializer($"{name}.max", [6])]);

    public Value SiLU(Value x, string name) =>
        graph.Node(name, "Mul", x, [x.Name, graph.Node($"{name}.gate", "Sigmoid", x, [x.Name]).Name]);

    public Value HSwish(Value x, string name) => graph.Opset >= OnnxVersions.HardSwishOpset
        ? graph.Node(name, "HardSwish", x, [x.Name])
        : graph.Node(name, "Mul", x, [x.Name, HSigmoid(x, $"{name}.gate").Name]);

    public Value HSigmoid(Value x, string name) =>
        graph.Node(name, "HardSigmoid", x, [x.Name], Number("alpha", 1.0 / 6), Number("beta", 0.5));

    public Value GlobalAverage(Value x, string name) =>
        graph.Node(name, "GlobalAveragePool", x with { Height = Extent.Fixed(1), Width = Extent.Fixed(1) }, [x.Name]);

    /// <summary>[N, C, 1, 1] becomes [N, C].</summary>
    public Value Flatten(Value x, string name) =>
        graph.Node(name, "Flatten", x with { Height = null, Width = null }, [x.Name], Integer("axis", 1));

    /// <summary>Each map times a factor of its own. OpenCV 4 takes the first operand for the one that is spread out.</summary>
    public Value Gate(Value gate, Value x, string name) => graph.Node(name, "Mul", x, [gate.Name, x.Name]);

    public Value Add(Value x, Value y, string name) => graph.Node(name, "Add", x, [x.Name, y.Name]);

    public static void RequireMap(Value x, ModuleAt at, long channels)
    {
        if (!x.IsMap || x.Channels != channels)
        {
            throw new ArgumentException($"{at.Where} takes maps of {channels} channels, it gets {x.Shape}.");
        }
    }

    private List<string> Inputs(Value x, LayerWeights weights)
    {
        List<string> inputs = [x.Name, graph.Initializer(weights.At.Name("weight"), weights.Kernel, weights.Shape)];
        if (weights.Bias is { } bias) inputs.Add(graph.Initializer(weights.At.Name("bias"), bias, bias.Length));
        return inputs;
    }
}
