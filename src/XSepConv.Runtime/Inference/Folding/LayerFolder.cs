namespace XSepConv.Inference;

/// <summary>Folds batch normalisation into the layer before it: w·γ/√(σ²+ε) and (b − μ)·γ/√(σ²+ε) + β.</summary>
internal sealed class LayerFolder(WeightSource source)
{
    // Torch's default, which every module here has.
    private const double Epsilon = 1e-5;

    /// <summary>A layer, with or without a bias of its own, and its batch normalisation.</summary>
    public FoldedLayer Convolution(string key, string norm)
    {
        var weights = Finite($"{key}.weight");
        var bias = source.Tensors.ContainsKey($"{key}.bias") ? Finite($"{key}.bias") : null;
        var scale = Finite($"{norm}.weight");
        var shift = Finite($"{norm}.bias");
        var mean = Finite($"{norm}.running_mean");
        var variance = Finite($"{norm}.running_var");
        var taps = weights.Length / scale.Length;
        for (var channel = 0; channel < scale.Length; channel++)
        {
            if (variance[channel] < 0) throw new InvalidDataException($"{source.Name}: '{norm}.running_var' has {variance[channel]} at {channel}; a variance is not negative.");
            scale[channel] /= Math.Sqrt(variance[channel] + Epsilon);
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
        var bad = Array.FindIndex(values, value => !double.IsFinite(value));
        return bad < 0 ? values : throw new InvalidDataException($"{source.Name}: '{key}' has {values[bad]} at {bad}; weights are finite numbers.");
    }
}
