using XSepConv.Layers;

namespace XSepConv.Inference;

/// <summary>Folds batch normalisation into the layer before it: w·γ/√(σ²+ε) and (b − μ)·γ/√(σ²+ε) + β.</summary>
internal sealed class LayerFolder(NetworkSpec spec, WeightSource source)
{
    public FoldedLayer Fold(Layer layer)
    {
        var weights = Finite($"{layer.Name}.weight");
        var bias = layer.Bias ? Finite($"{layer.Name}.bias") : new double[layer.Out];
        if (layer.Norm is { } norm) Fold(norm, weights, bias);
        return Held(layer, new(layer.Out, weights.Length / layer.Out, Round(weights), Round(bias)));
    }

    // So far inside of float32 it does not matter which is multiplied first.
    private const double Far = 1L << 40;

    /// <summary>
    /// The same, but weights that are BF16 or INT8 stay as they are, and what batch normalisation multiplies by stands apart.
    /// </summary>
    public FoldedLayer FoldNarrow(Layer layer)
    {
        var key = $"{layer.Name}.weight";
        if (source.Int8(key) is (var integers, var scales)) return FoldInt8(layer, integers, scales);
        if (source.Tensors[key].Type != SafeTensorType.BF16) return Fold(layer);
        var weights = Finite(key);
        var (scale, shift) = ScaleAndShift(layer);
        return weights.All(weight => Math.Abs(weight) <= Far)
            && scale.All(factor => factor == 0 || Math.Abs(factor) is >= 1 / Far and <= Far)
            ? Held(layer, new(layer.Out, weights.Length / layer.Out, Round(weights), Round(shift))
            {
                Format = WeightFormat.BFloat16,
                Scale = Round(scale),
            })
            : Fold(layer);
    }

    // Scales may be as small as they like: what they are of then is nothing, in a channel that has died.
    private FoldedLayer FoldInt8(Layer layer, byte[] integers, double[] scales)
    {
        var (scale, shift) = ScaleAndShift(layer);
        for (var output = 0; output < scale.Length; output++) scale[output] *= scales[output];
        return scale.All(factor => Math.Abs(factor) <= Far)
            ? Held(layer, new(layer.Out, integers.Length / layer.Out, Array.ConvertAll(integers, i => (float)(sbyte)i), Round(shift))
            {
                Format = WeightFormat.Int8,
                Scale = Round(scale),
            })
            : Fold(layer);
    }

    /// <summary>A layer's bias and batch normalisation alone, as a scale (in the place of weights) and a shift for each output.</summary>
    public FoldedLayer Affine(Layer layer)
    {
        var (scale, shift) = ScaleAndShift(layer);
        return Held(layer, new(layer.Out, 1, Round(scale), Round(shift)));
    }

    private (double[] Scale, double[] Shift) ScaleAndShift(Layer layer)
    {
        var scale = new double[layer.Out];
        Array.Fill(scale, 1);
        var shift = layer.Bias ? Finite($"{layer.Name}.bias") : new double[layer.Out];
        if (layer.Norm is { } norm) Fold(norm, scale, shift);
        return (scale, shift);
    }

    private void Fold(string norm, double[] weights, double[] bias)
    {
        var scale = Finite($"{norm}.weight");
        var shift = Finite($"{norm}.bias");
        var mean = Finite($"{norm}.running_mean");
        var variance = Finite($"{norm}.running_var");
        var epsilon = source.Settings?.EpsilonOf(norm) ?? spec.NormEpsilon;
        var taps = weights.Length / bias.Length;
        for (var channel = 0; channel < bias.Length; channel++)
        {
            scale[channel] /= Math.Sqrt(variance[channel] + epsilon);
            bias[channel] = shift[channel] + ((bias[channel] - mean[channel]) * scale[channel]);
            foreach (ref var weight in weights.AsSpan(channel * taps, taps)) weight *= scale[channel];
        }
    }

    private FoldedLayer Held(Layer layer, FoldedLayer folded) =>
        Array.TrueForAll(folded.Weights, float.IsFinite) && Array.TrueForAll(folded.Bias, float.IsFinite)
            ? folded
            : throw new InvalidDataException(
                $"{source.Name}: '{layer.Name}' with its batch normalisation has values that float32 can't hold.");

    private static float[] Round(double[] values) => Array.ConvertAll(values, value => (float)value);

    private double[] Finite(string key)
    {
        var values = source.Read(key);
        return WeightValues.Problem(key, values) is { } problem ? throw new InvalidDataException($"{source.Name}: {problem}.") : values;
    }
}
