using TorchSharp;
using TorchSharp.Modules;
using static XSepConv.Onnx.GraphBuilder;

namespace XSepConv.Onnx;

/// <summary>Convolutions, linear layers, batch norms, and what moves values about, as nodes.</summary>
internal sealed class LayerTranslator(GraphBuilder graph)
{
    public OnnxTensor Convolution(OnnxTensor x, ModuleAt at, ModuleAt? norm = null)
    {
        var (conv, weights) = ((Conv2d)at.Module, LayerWeights.Of(at));
        RequireMap(x, at, conv.in_channels);
        var geometry = ConvGeometry.Of(conv);
        if (conv.padding_mode != PaddingModes.Zeros && geometry.Pads.Any(side => side > 0))
        {
            if (conv.padding_type is not null && (conv.kernel_size[0] != conv.kernel_size[1] || conv.dilation[0] != conv.dilation[1]))
            {
                throw ExportableModules.Refusal(at, $"its padding is Same and {conv.padding_mode}, and its kernel is not square");
            }

            x = new PaddingTranslator(graph).Pad(x, geometry.Pads, conv.padding_mode, 0, at, at.Name("padded"));
            geometry = geometry with { Pads = [0, 0, 0, 0] };
        }

        return Convolution(x, weights, geometry, norm);
    }

    /// <summary>A convolution with other weights or padding than its module has, and the batch norm after it.</summary>
    public OnnxTensor Convolution(OnnxTensor x, LayerWeights weights, ConvGeometry geometry, ModuleAt? norm)
    {
        RequireMap(x, weights.At, weights.Shape[1] * geometry.Groups);
        var values = norm is { } at ? BatchNormValues.Of(at, weights) : null;
        if (graph.FoldBatchNorm && values is not null) weights = weights.Folded(values);
        long[] kernel = [weights.Shape[2], weights.Shape[3]];
        var window = new Window(kernel, geometry.Pads, geometry.Strides, geometry.Dilations);
        var y = graph.Node(
            weights.At.NodeName("conv"), "Conv", window.Over(x, weights.Shape[0], weights.At), Inputs(x, weights),
            Integers("dilations", geometry.Dilations), Integer("group", geometry.Groups), Integers("kernel_shape", kernel),
            Integers("pads", geometry.Pads), Integers("strides", geometry.Strides));
        return graph.FoldBatchNorm || values is null ? y : BatchNorm(y, values);
    }

    /// <summary>A linear layer over the last side, and the batch norm after it.</summary>
    public OnnxTensor Linear(OnnxTensor x, ModuleAt linear, ModuleAt? norm = null)
    {
        var weights = LayerWeights.Of(linear);
        var (outputs, inputs) = (weights.Shape[0], weights.Shape[1]);
        if (x.Shape[^1] != inputs) throw new ArgumentException($"{linear.Where} is a linear layer of {inputs} features, it gets {x}.");
        var name = linear.NodeName("linear");
        if (x.Sides.Count > 1)
        {
            if (norm is not null) return BatchNorm(Linear(x, linear), norm.Value);
            var kernel = new double[weights.Kernel.Length];
            for (var i = 0; i < kernel.Length; i++) kernel[(i % inputs * outputs) + (i / inputs)] = weights.Kernel[i];
            OnnxTensor result = new("", [.. x.Sides.SkipLast(1), Extent.Fixed(outputs)]);
            var product = graph.Node(
                weights.Bias is null ? name : $"{name}.product", "MatMul", result,
                [x.Name, graph.Initializer(linear.Name("weight"), kernel, inputs, outputs)]);
            return weights.Bias is null
                ? product
                : graph.Node(name, "Add", result, [product.Name, graph.Initializer(linear.Name("bias"), weights.Bias, outputs)]);
        }

        var values = norm is { } at ? BatchNormValues.Of(at, weights) : null;
        if (graph.FoldBatchNorm && values is not null) weights = weights.Folded(values);
        var y = graph.Node(name, "Gemm", OnnxTensor.Features(outputs), Inputs(x, weights), Integer("transB", 1));
        return graph.FoldBatchNorm || values is null ? y : BatchNorm(y, values);
    }

    public OnnxTensor BatchNorm(OnnxTensor x, ModuleAt at)
    {
        if (x.IsMap != at.Module is BatchNorm2d)
        {
            var right = x.IsMap ? "features [N, C]" : "maps [N, C, H, W]";
            throw new ArgumentException($"{at.Where} is a batch norm of {right}, it gets {x}.");
        }

        return BatchNorm(x, BatchNormValues.Of(at));
    }

    private OnnxTensor BatchNorm(OnnxTensor x, BatchNormValues values)
    {
        if (x.Channels != values.Mean.Length)
        {
            throw new ArgumentException($"{values.At.Where} is a batch norm of {values.Mean.Length} channels, it gets {x}.");
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

    /// <summary>The sides from one on become one.</summary>
    public OnnxTensor Flatten(OnnxTensor x, ModuleAt at, long from, long to)
    {
        var (rank, name) = (x.Sides.Count + 1, at.NodeName("flatten"));
        if (from < 0) from += rank;
        if (to < 0) to += rank;
        var merged = from < 1 ? [] : x.Sides.Skip((int)from - 1).ToList();
        if (from < 1 || from >= rank || to != rank - 1 || (from == 1 && !merged.All(side => side.IsFixed)))
        {
            throw ExportableModules.Refusal(
                at, $"it flattens {x} from dimension {from} to {to}; what can be is everything from a dimension above 0 on, and from "
                + $"dimension 1 on where the size is known, so give one in {nameof(OnnxExportOptions)}.Size");
        }

        var product = merged.All(side => side.IsFixed)
            ? Extent.Fixed(merged.Aggregate(1L, (size, side) => size * side.Size))
            : Extent.Unknown;
        OnnxTensor result = new("", [.. x.Sides.Take((int)from - 1), product]);
        return from == 1
            ? graph.Node(name, "Flatten", result, [x.Name], Integer("axis", 1))
            : graph.Node(
                name, "Reshape", result,
                [x.Name, graph.IntegerInitializer($"{name}.sides", [.. new long[from], -1], from + 1)]);
    }

    public OnnxTensor Permute(OnnxTensor x, IReadOnlyList<long> dimensions, ModuleAt at)
    {
        var rank = x.Sides.Count + 1;
        long[] order = [.. dimensions.Select(dimension => dimension < 0 ? dimension + rank : dimension)];
        if (!order.Order().SequenceEqual(Enumerable.Range(0, rank).Select(i => (long)i)) || order[0] != 0)
        {
            throw ExportableModules.Refusal(at, $"it puts {x} into the order {string.Join(", ", dimensions)}; the batch stays in front");
        }

        return graph.Node(at.NodeName("permute"), "Transpose", Permuted(x, order), [x.Name], Integers("perm", order));
    }

    /// <summary>The sides in another order; the batch does not count.</summary>
    public static OnnxTensor Permuted(OnnxTensor x, IEnumerable<long> order) =>
        new("", [.. order.Skip(1).Select(dimension => x.Sides[(int)dimension - 1])]);

    /// <summary>
    /// Each map times a factor of its own, or value by value. OpenCV 4 takes the first operand for the one that is spread out.
    /// </summary>
    /// <exception cref="ArgumentException">The factors are neither.</exception>
    public OnnxTensor Gate(OnnxTensor gate, OnnxTensor x, string name)
    {
        return gate.IsMap && x.IsMap && gate.Channels == x.Channels && Fits(gate.Height, x.Height) && Fits(gate.Width, x.Width)
            ? graph.Node(name, "Mul", x, [gate.Name, x.Name])
            : throw new ArgumentException(
                $"'{name}' multiplies a map {x} by factors {gate}; one for each channel, or a map of that size is right. "
                + "The output_size of squeeze-excite's pool is 1 when it is built.");

        static bool Fits(Extent factors, Extent map) =>
            factors == Extent.Fixed(1) || factors == map || factors == Extent.Unknown || map == Extent.Unknown;
    }

    /// <summary>The sum of two tensors of one shape, which is checked where it is known; runtimes see it on an image only.</summary>
    public OnnxTensor Add(OnnxTensor x, OnnxTensor y, string name)
    {
        var fit = x.Sides.Count == y.Sides.Count
            && x.Sides.Zip(y.Sides).All(pair => pair.First == pair.Second || MayBeEqual(pair.First, pair.Second));
        return fit
            ? graph.Node(name, "Add", x, [x.Name, y.Name])
            : throw new InvalidOperationException($"'{name}' adds {x} and {y}, which are not of one shape.");

        static bool MayBeEqual(Extent a, Extent b) => a == Extent.Unknown || b == Extent.Unknown || a.IsFixed != b.IsFixed;
    }

    public static void RequireMap(OnnxTensor x, ModuleAt at, long channels)
    {
        if (!x.IsMap || x.Channels != channels) throw new ArgumentException($"{at.Where} takes maps of {channels} channels, it gets {x}.");
    }

    private List<string> Inputs(OnnxTensor x, LayerWeights weights)
    {
        List<string> inputs = [x.Name, graph.Initializer(weights.At.Name("weight"), weights.Kernel, weights.Shape)];
        if (weights.Bias is { } bias) inputs.Add(graph.Initializer(weights.At.Name("bias"), bias, bias.Length));
        return inputs;
    }
}
