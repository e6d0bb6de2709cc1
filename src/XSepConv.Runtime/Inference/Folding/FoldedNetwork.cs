using System.Collections.Immutable;

namespace XSepConv.Inference;

/// <summary>A convolution or linear layer with its batch normalisation folded in: [out][in · kernel] and one bias for each output.</summary>
internal sealed record FoldedLayer(string Name, int Outputs, int Taps, float[] Weights, float[] Bias);

/// <summary>Squeeze-excite's two layers.</summary>
internal sealed record FoldedSqueezeExcite(FoldedLayer Squeeze, FoldedLayer Excite);

/// <summary>A block. <paramref name="Spatial"/> is the K×K of a Dw block; 2×2, 1×K and K×1 of an XSep block.</summary>
internal sealed record FoldedBlock(
    BlockSpec Spec, PaddingDirection? Padding, FoldedLayer Expand, ImmutableArray<FoldedLayer> Spatial, FoldedSqueezeExcite? SqueezeExcite,
    FoldedLayer Project, FoldedLayer? Shortcut);

/// <summary>A network for inference: no batch normalisation is left. The numbers are folded in float64 and rounded once.</summary>
internal sealed record FoldedNetwork(
    NetworkSpec Spec, FoldedLayer Stem, ImmutableArray<FoldedBlock> Blocks, FoldedLayer Last, FoldedLayer Hidden, FoldedLayer Classifier)
{
    /// <summary>Folds a state dict.</summary>
    /// <exception cref="InvalidDataException">Tensors are missing, unexpected or of a wrong shape, or values are not finite or variances negative.</exception>
    /// <exception cref="NotSupportedException">A block is of a kind that the runtime does not run.</exception>
    public static FoldedNetwork Of(NetworkSpec spec, WeightSource source)
    {
        RequireKinds(spec, source);
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

    private static void RequireKinds(NetworkSpec spec, WeightSource source)
    {
        for (var i = 0; i < spec.Blocks.Length; i++)
        {
            if (spec.Blocks[i].Kind is BlockKind.Dw or BlockKind.XSep) continue;
            throw new NotSupportedException(
                $"{source.Name}: block {i} of the network {SafeTensorsHeader.Quote(spec.Name)} is {spec.Blocks[i].Kind}; the runtime runs Dw and XSep blocks, the TorchSharp module and an ONNX file this one too.");
        }
    }

    private static FoldedBlock Block(LayerFolder folder, string prefix, BlockSpec spec, PaddingDirection? padding)
    {
        var spatial = spec.Kind == BlockKind.Dw ? 1 : 3;
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
