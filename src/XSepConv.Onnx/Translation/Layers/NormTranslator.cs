using TorchSharp.Modules;
using static TorchSharp.torch;
using static XSepConv.Onnx.GraphBuilder;

namespace XSepConv.Onnx;

/// <summary>Normalisation by the statistics of one image, as nodes.</summary>
internal sealed class NormTranslator(GraphBuilder graph)
{
    public OnnxTensor Layer(OnnxTensor x, LayerNorm norm, ModuleAt at)
    {
        var (name, shape) = (at.NodeName("norm"), norm.normalized_shape);
        if (!x.Shape.TakeLast(shape.Length).SequenceEqual(shape.Select(side => (long?)side)))
        {
            throw new ArgumentException($"{at.Where} is a layer norm over [{string.Join(", ", shape)}], it gets {x}.");
        }

        var ones = Enumerable.Repeat(1.0, (int)shape.Aggregate(1L, (product, side) => product * side)).ToArray();
        if (graph.Opset >= OnnxVersions.LayerNormalizationOpset)
        {
            List<string> inputs = [x.Name, Values("weight", norm.weight) ?? graph.Initializer(at.Name("weight"), ones, shape)];
            if (Values("bias", norm.bias) is { } bias) inputs.Add(bias);
            return graph.Node(name, "LayerNormalization", x, inputs, Integer("axis", -shape.Length), Number("epsilon", norm.eps));
        }

        OnnxTensor means = new("", [.. x.Sides.SkipLast(shape.Length), .. shape.Select(_ => Extent.Fixed(1))]);
        var axes = Integers("axes", Enumerable.Range(1, shape.Length).Select(i => -(long)i).Reverse());
        var mean = graph.Node($"{name}.mean", "ReduceMean", means, [x.Name], axes);
        var centred = graph.Node($"{name}.centred", "Sub", x, [x.Name, mean.Name]);
        var squares = graph.Node($"{name}.squares", "Mul", x, [centred.Name, centred.Name]);
        var variance = graph.Node($"{name}.variance", "ReduceMean", means, [squares.Name], axes);
        var above = graph.Node($"{name}.above", "Add", means, [variance.Name, graph.Initializer($"{name}.epsilon", [norm.eps])]);
        var deviation = graph.Node($"{name}.deviation", "Sqrt", means, [above.Name]);
        var y = graph.Node($"{name}.normalized", "Div", x, [centred.Name, deviation.Name]);
        return Affine(y, Values("weight", norm.weight), Values("bias", norm.bias), name);

        string? Values(string key, Tensor? values) =>
            values is null ? null : graph.Initializer(at.Name(key), TensorBytes.Doubles(values), shape);
    }

    public OnnxTensor Group(OnnxTensor x, GroupNorm norm, ModuleAt at)
    {
        var (name, groups) = (at.NodeName("norm"), norm.num_groups);
        var channels = norm.weight is null ? x.Channels : norm.weight.numel();
        if (x.Sides.Count < 2 || !x.Sides[0].IsFixed || x.Channels != channels || x.Channels % groups != 0)
        {
            throw new ArgumentException($"{at.Where} is a group norm of {channels} channels in {groups} groups, it gets {x}.");
        }

        // ONNX normalises each channel; so each group becomes one.
        var grouped = graph.Node(
            $"{name}.grouped", "Reshape", new("", [Extent.Fixed(groups), Extent.Unknown]),
            [x.Name, graph.IntegerInitializer($"{name}.groups", [0, groups, -1], 3)]);
        var ones = Enumerable.Repeat(1.0, (int)groups).ToArray();
        var y = graph.Node(
            $"{name}.instance", "InstanceNormalization", grouped,
            [grouped.Name, graph.Initializer($"{name}.ones", ones, groups), graph.Initializer($"{name}.zeros", new double[groups], groups)],
            Number("epsilon", norm.eps));
        var shape = x.Sides.All(side => side.IsFixed)
            ? graph.IntegerInitializer($"{name}.sides", [0, .. x.Sides.Select(side => side.Size)], x.Sides.Count + 1)
            : graph.Untyped($"{name}.shape", "Shape", [x.Name]);
        y = graph.Node($"{name}.normalized", "Reshape", x, [y.Name, shape]);
        return Affine(y, Values("weight", norm.weight), Values("bias", norm.bias), name);

        string? Values(string key, Tensor? values) => values is null
            ? null
            : graph.Initializer(at.Name(key), TensorBytes.Doubles(values), [channels, .. Enumerable.Repeat(1L, x.Sides.Count - 1)]);
    }

    private OnnxTensor Affine(OnnxTensor x, string? weight, string? bias, string name)
    {
        if (weight is not null) x = graph.Node(bias is null ? name : $"{name}.scaled", "Mul", x, [x.Name, weight]);
        return bias is null ? x : graph.Node(name, "Add", x, [x.Name, bias]);
    }
}
