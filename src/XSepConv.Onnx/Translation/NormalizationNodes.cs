namespace XSepConv.Onnx;

/// <summary>
/// (x − mean) / std as two nodes in front of a network. The mean can't go into the stem's bias: the stem pads with zeros after the
/// normalisation, which are pixels of the mean's colour before it.
/// </summary>
internal static class NormalizationNodes
{
    public static OnnxTensor Add(GraphBuilder graph, OnnxTensor x, OnnxNormalization normalization)
    {
        Check(normalization, x);
        var unit = normalization.Pixels == PixelRange.ZeroTo255 ? 255.0 : 1.0;
        double[] mean = [.. normalization.Mean.Select(value => value * unit)];
        double[] factor = [.. normalization.Std.Select(value => 1 / (value * unit))];
        // Without the axis of the batch: OpenCV 4 takes a first 1 for the number of images, and is wrong for more.
        long[] shape = [x.Channels, 1, 1];
        x = graph.Node("normalize.center", "Sub", x, [x.Name, graph.Initializer("normalize.mean", mean, shape)]);
        return graph.Node("normalize.scale", "Mul", x, [x.Name, graph.Initializer("normalize.factor", factor, shape)]);
    }

    private static void Check(OnnxNormalization normalization, OnnxTensor x)
    {
        if (!x.IsMap)
        {
            throw new ArgumentException($"Normalisation is for images [N, C, H, W]; the module takes {x}.", nameof(normalization));
        }

        if (!Enum.IsDefined(normalization.Pixels))
        {
            throw new ArgumentException(
                $"The range of pixels is {normalization.Pixels}; it is ZeroTo255 or ZeroToOne.", nameof(normalization));
        }

        if (normalization.Mean.Count != x.Channels || normalization.Std.Count != x.Channels)
        {
            throw new ArgumentException(
                $"The normalisation has {normalization.Mean.Count} means and {normalization.Std.Count} standard deviations; "
                + $"the module takes {x.Channels} channels, one of each for every channel is right.",
                nameof(normalization));
        }

        if (!normalization.Mean.All(double.IsFinite) || !normalization.Std.All(value => double.IsFinite(value) && value > 0))
        {
            throw new ArgumentException(
                "The normalisation's means are finite and its standard deviations finite and above 0.", nameof(normalization));
        }
    }
}
