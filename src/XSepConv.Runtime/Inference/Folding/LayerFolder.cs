namespace XSepConv.Inference;

/// <summary>Folds batch normalisation into the layer before it: w·γ/√(σ²+ε) and (b − μ)·γ/√(σ²+ε) + β.</summary>
internal sealed class LayerFolder(WeightSource source)
{
    /// <summary>A layer, with or without a bias of its own, and its batch normalisation.</summary>
    public FoldedLayer Convolution(string key, string norm)
    {
        var weights = Finite($"{key}.weight");
        var bias = source.Tensors.ContainsKey($"{key}.bias") ? Finite($"{key}.bias") : null;
        var scale = Finite($"{norm}.weight");
        var shift = Finite($"{norm}.bias");
        var mean = Finite($"{norm}.running_mean");
        var variance = Finite($"{norm}.running_var");
        var epsilon = source.Settings.EpsilonOf(norm);
        var taps = weights.Length / scale.Length;
        for (var channel = 0; channel < scale.Length; channel++)
        {
            scale[channel] /= Math.Sqrt(variance[channel] + epsilon);
            shift[channel] += ((bias is null ? 0 : bias[channel]) - mean[channel]) * scale[channel];
            foreach (ref var weight in weights.AsSpan(channel * taps, taps)) weight *= scale[channel];
        }

        return Round(key, scale.Length, weights, shift);
    }

    /// <summary>A layer as it is.</summary>
    public FoldedLayer Linear(string key)
    {
        var bias = Finite($"{key}.bias");
        return Round(key, bias.Length, Finite($"{key}.weight"), bias);
    }

    private FoldedLayer Round(string key, int outputs, double[] weights, double[] bias)
    {
        var layer = new FoldedLayer(key, outputs, weights.Length / outputs, Array.ConvertAll(weights, value => (float)value), Array.ConvertAll(bias, value => (float)value));
        return Array.TrueForAll(layer.Weights, float.IsFinite) && Array.TrueForAll(layer.Bias, float.IsFinite)
            ? layer
            : throw new InvalidDataException($"{source.Name}: '{key}' with its batch normalisation has values that float32 can't hold.");
    }

    private double[] Finite(string key)
    {
        var values = source.Read(key);
        return WeightValues.Problem(key, values) is { } problem ? throw new InvalidDataException($"{source.Name}: {problem}.") : values;
    }
}
