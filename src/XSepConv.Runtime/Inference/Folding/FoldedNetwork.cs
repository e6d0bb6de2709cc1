using XSepConv.Layers;

namespace XSepConv.Inference;

/// <summary>
/// A convolution or linear layer with its batch normalisation folded in: [out][in · kernel] and one bias for each output.
/// </summary>
internal sealed record FoldedLayer(int Outputs, int Taps, float[] Weights, float[] Bias)
{
    /// <summary>What the weights fit without rounding; other than float32 where they are as the file has them.</summary>
    public WeightFormat Format { get; init; }

    /// <summary>What each output's sum is multiplied by, where the weights are as the file has them; null where that is in them.</summary>
    public float[]? Scale { get; init; }
}

/// <summary>How a linear layer's weights lie in memory.</summary>
internal enum WeightFormat
{
    Float32,
    BFloat16,
    Int8,
}

/// <summary>A network for inference: no batch normalisation is left. The numbers are folded in float64 and rounded once.</summary>
internal sealed class FoldedNetwork
{
    private readonly Dictionary<Layer, FoldedLayer> _folded;

    private FoldedNetwork(NetworkLayers layers, LayerFolder folder, bool linearApart)
    {
        Layers = layers;
        HashSet<Layer> onVectors =
        [
            .. layers.Head,
            .. layers.Blocks.SelectMany(block => block.SqueezeExcite is { } gate ? new[] { gate.Squeeze, gate.Excite } : []),
        ];
        _folded = layers.All.Where(layer => layer.HasWeights).ToDictionary(
            layer => layer,
            layer => linearApart && layer.Kind == LayerKind.Linear ? folder.Affine(layer)
                : onVectors.Contains(layer) ? folder.FoldNarrow(layer)
                : folder.Fold(layer));
    }

    public NetworkLayers Layers { get; }

    /// <summary>A layer that has weights.</summary>
    public FoldedLayer this[Layer layer] => _folded[layer];

    /// <summary>Folds a state dict.</summary>
    /// <param name="spec">The network.</param>
    /// <param name="source">Its state dict.</param>
    /// <param name="linearApart">Of linear layers what <see cref="LayerFolder.Affine"/> gives: their weights are read elsewhere.</param>
    /// <exception cref="InvalidDataException">
    /// Tensors are missing, unexpected or of a wrong shape, or values are not finite or variances negative.
    /// </exception>
    public static FoldedNetwork Of(NetworkSpec spec, WeightSource source, bool linearApart = false)
    {
        ExpectedTensors.Verify(spec, source);
        return new(NetworkLayers.Of(spec), new LayerFolder(spec, source), linearApart);
    }
}
