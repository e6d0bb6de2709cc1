using System.Collections.Immutable;

namespace XSepConv.Inference;

/// <summary>A convolution or linear layer with its batch normalisation folded in: [out][in · kernel] and one bias for each output.</summary>
internal sealed record FoldedLayer(string Name, int Outputs, int Taps, float[] Weights, float[] Bias);

/// <summary>Squeeze-excite's two layers.</summary>
internal sealed record FoldedSqueezeExcite(FoldedLayer Squeeze, FoldedLayer Excite);

/// <summary>A block. <paramref name="Spatial"/> is the K×K of a Dw block; 2×2, 1×K and K×1 of an XSep block; the last two of a Sep block.</summary>
internal sealed record FoldedBlock(
    BlockSpec Spec, PaddingDirection? Padding, FoldedLayer Expand, ImmutableArray<FoldedLayer> Spatial, FoldedSqueezeExcite? SqueezeExcite,
    FoldedLayer Project, FoldedLayer? Shortcut);

/// <summary>A network for inference: no batch normalisation is left. The numbers are folded in float64 and rounded once.</summary>
internal sealed record FoldedNetwork(
    NetworkSpec Spec, FoldedLayer Stem, ImmutableArray<FoldedBlock> Blocks, FoldedLayer Last, FoldedLayer Hidden, FoldedLayer Classifier)
{
    /// <summary>Folds a state dict.</summary>
    /// <exception cref="InvalidDataException">Tensors are missing, unexpected or of a wrong shape, or values are not finite or variances negative.</exception>
    public static FoldedNetwork Of(NetworkSpec spec, WeightSource source)
    {
        ExpectedTensors.Verify(spec, source);
        var folder = new LayerFolder(source);
        var paddings = spec.Paddings();
        return new(
            spec,
            folder.Convolution("conv1", "bn1"),
            [.. spec.Blocks.Select((block, i) => Block(folder, $"bneck.{i}.", block, paddings[i]))],
            folder.Convolution("conv2", "bn2"),
            folder.Convolution("linear3", "bn3"),
            folder.Linear("linear4"));
    }

    private static FoldedBlock Block(LayerFolder folder, string prefix, BlockSpec spec, PaddingDirection? padding)
    {
        var spatial = spec.Kind switch { BlockKind.Dw => 1, BlockKind.Sep => 2, _ => 3 };
        FoldedLayer Layer(int number) => folder.Convolution($"{prefix}conv{number}", $"{prefix}bn{number}");
        return new(
            spec,
            padding,
            Layer(1),
            [.. Enumerable.Range(2, spatial).Select(Layer)],
            spec.SqueezeExcite == SqueezeExcite.None ? null : new(
                folder.Convolution($"{prefix}se.se.1", $"{prefix}se.se.2"), folder.Convolution($"{prefix}se.se.4", $"{prefix}se.se.5")),
            Layer(2 + spatial),
            spec.Stride == 1 && spec.In != spec.Out ? folder.Convolution($"{prefix}shortcut.0", $"{prefix}shortcut.1") : null);
    }
}
