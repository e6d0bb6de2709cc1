using XSepConv.Layers;

namespace XSepConv;

/// <summary>The names that other libraries have for the layers of MobileNetV2 and MobileNetV3.</summary>
internal static class ForeignNames
{
    /// <summary>Every tensor of a network, one to one.</summary>
    /// <param name="spec">Rows of <see cref="BlockKind.InvertedResidual"/>, with a hidden layer (V3) or without (V2).</param>
    public static IReadOnlyList<ForeignTensor> Of(NetworkSpec spec, PretrainedSource source)
    {
        var layers = NetworkLayers.Of(spec);
        var names = (source switch
        {
            PretrainedSource.TorchVision => TorchVision(layers),
            PretrainedSource.Timm => Timm(layers),
            _ => throw EnumValues.Unknown(source),
        }).ToDictionary(pair => pair.Layer, pair => (pair.Name, pair.Norm));
        return [.. layers.All.Where(layer => layer.HasWeights).SelectMany(layer => Tensors(layer, names[layer], source))];
    }

    private static IEnumerable<ForeignTensor> Tensors(Layer layer, (string Name, string? Norm) names, PretrainedSource source)
    {
        foreach (var (key, shape) in layer.Tensors())
        {
            var value = key[(key.LastIndexOf('.') + 1)..];
            var module = layer.Norm is { } norm && key == $"{norm}.{value}" ? names.Norm : names.Name;

            // timm's hidden layer is a 1×1 convolution of the means.
            var isConvolution = source == PretrainedSource.Timm && layer.Norm is null && layer.Activation is not null;
            long[] there = isConvolution && layer.Kind == LayerKind.Linear && shape.Length == 2 ? [.. shape, 1, 1] : shape;
            yield return new($"{module}.{value}", there, key, shape);
        }
    }

    private static IEnumerable<(Layer Layer, string Name, string? Norm)> TorchVision(NetworkLayers layers)
    {
        var isV3 = layers.Hidden is not null;
        yield return (layers.Stem, "features.0.0", "features.0.1");
        foreach (var (block, i) in layers.Blocks.Select((block, i) => (block, i)))
        {
            var (at, part) = ($"features.{i + 1}.{(isV3 ? "block" : "conv")}.", 0);
            foreach (var layer in new[] { block.Expand, block.Spatial[0] }.OfType<Layer>())
            {
                yield return (layer, $"{at}{part}.0", $"{at}{part++}.1");
            }

            if (block.SqueezeExcite is { } squeeze)
            {
                yield return (squeeze.Squeeze, $"{at}{part}.fc1", null);
                yield return (squeeze.Excite, $"{at}{part++}.fc2", null);
            }

            yield return isV3
                ? (block.Project, $"{at}{part}.0", $"{at}{part}.1")
                : (block.Project, $"{at}{part}", $"{at}{part + 1}");
        }

        var last = $"features.{layers.Blocks.Length + 1}";
        yield return (layers.Last, $"{last}.0", $"{last}.1");
        if (layers.Hidden is { } hidden) yield return (hidden, "classifier.0", null);
        if (layers.Classifier is { } classifier) yield return (classifier, isV3 ? "classifier.3" : "classifier.1", null);
    }

    private static IEnumerable<(Layer Layer, string Name, string? Norm)> Timm(NetworkLayers layers)
    {
        yield return (layers.Stem, "conv_stem", "bn1");
        var (stage, row, channels) = (-1, 0, 0);
        foreach (var block in layers.Blocks)
        {
            // A stage has one number of output channels.
            (stage, row, channels) = block.Spec.Out == channels ? (stage, row + 1, channels) : (stage + 1, 0, block.Spec.Out);
            var (at, norm) = ($"blocks.{stage}.{row}.", 1);
            if (block.Expand is { } expand) yield return (expand, $"{at}conv_pw", $"{at}bn{norm++}");
            yield return (block.Spatial[0], $"{at}conv_dw", $"{at}bn{norm++}");
            if (block.SqueezeExcite is { } squeeze)
            {
                yield return (squeeze.Squeeze, $"{at}se.conv_reduce", null);
                yield return (squeeze.Excite, $"{at}se.conv_expand", null);
            }

            // A block without expansion has one 1×1 convolution, which needs no letter more.
            yield return (block.Project, $"{at}{(block.Expand is null ? "conv_pw" : "conv_pwl")}", $"{at}bn{norm}");
        }

        // What comes before the means is the last stage in MobileNetV3, the head in MobileNetV2.
        if (layers.Hidden is { } hidden)
        {
            yield return (layers.Last, $"blocks.{stage + 1}.0.conv", $"blocks.{stage + 1}.0.bn1");
            yield return (hidden, "conv_head", null);
        }
        else yield return (layers.Last, "conv_head", "bn2");

        if (layers.Classifier is { } classifier) yield return (classifier, "classifier", null);
    }
}
