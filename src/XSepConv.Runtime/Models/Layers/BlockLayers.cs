using System.Collections.Immutable;

namespace XSepConv.Layers;

/// <summary>
/// A block as layers: 1×1 expand → depthwise convolutions → 1×1 project, squeeze-excite where the row has it, and the shortcut at stride 1.
/// </summary>
/// <param name="Pad">The padding of the block's input, where that is padded.</param>
/// <param name="SqueezeExcite">On the expanded map, or on the output.</param>
/// <param name="Shortcut">The 1×1 convolution of the input, where that has other channels than the output.</param>
internal sealed record BlockLayers(
    BlockSpec Spec, Layer? Pad, Layer? Expand, ImmutableArray<Layer> Spatial, SqueezeExciteLayers? SqueezeExcite,
    Layer Project, Layer? Shortcut, Layer? Add, ImmutableArray<Layer> All)
{
    /// <summary>What the next block gets.</summary>
    public Layer Last => All[^1];

    /// <summary>A valid row as layers.</summary>
    /// <param name="padding">Where its 2×2 pads; null without one.</param>
    /// <param name="placement">On which map it pads.</param>
    /// <param name="prefix">Of the state-dict keys: empty, or ending in a dot.</param>
    /// <param name="input">The layer before the block; null where it is not known.</param>
    public static BlockLayers Of(
        BlockSpec spec, PaddingDirection? padding = null, PaddingPlacement placement = default, string prefix = "", Layer? input = null)
    {
        var (shape, activation) = (BlockShape.Of(spec.Kind), spec.Activation);
        var (onExpanded, onOutput) = (
            spec.SqueezeExcite == XSepConv.SqueezeExcite.Expanded, spec.SqueezeExcite == XSepConv.SqueezeExcite.Output);
        var padsInput = padding is not null && placement == PaddingPlacement.BeforeExpand;
        var pad = padsInput
            ? new Layer { Kind = LayerKind.Pad, Name = $"{prefix}pad", From = input, In = spec.In, Out = spec.In, Padding = padding }
            : null;
        var expand = shape.SkipsExpansion && spec.Expand == spec.In ? null : Pointwise("1", pad ?? input, spec.In, spec.Expand, activation);
        Activation? afterSpatial = onExpanded && !shape.ActivatesBeforeSqueeze ? null : activation;
        var spatial = SpatialLayers.Of(
            shape, spec.Expand, spec.Kernel, spec.Stride, between: activation, afterSpatial, first: 2, prefix, expand ?? pad ?? input,
            padding, padsInput);
        var squeeze = onExpanded ? Squeeze(spatial[^1], shape.ActivatesBeforeSqueeze ? null : activation) : null;
        var project = Pointwise($"{spatial.Length + 2}", squeeze?.Gate ?? spatial[^1], spec.Expand, spec.Out, null);
        if (onOutput) squeeze = Squeeze(project, null);
        var isAdded = spec.Stride == 1 && (spec.In == spec.Out || !shape.HasPlainShortcut);
        var shortcut = isAdded && spec.In != spec.Out
            ? new Layer
            {
                Kind = LayerKind.Convolution,
                Name = $"{prefix}shortcut.0",
                Norm = $"{prefix}shortcut.1",
                From = input,
                In = spec.In,
                Out = spec.Out,
            }
            : null;
        var sum = onOutput ? squeeze!.Gate : project;
        var add = isAdded
            ? new Layer { Kind = LayerKind.Add, Name = $"{prefix}add", From = sum, With = shortcut ?? input, In = spec.Out, Out = spec.Out }
            : null;
        IReadOnlyList<Layer> gated = squeeze?.All ?? [];
        Layer?[] all = [pad, expand, .. spatial, .. onExpanded ? gated : [], project, .. onOutput ? gated : [], shortcut, add];
        return new(spec, pad, expand, spatial, squeeze, project, shortcut, add, [.. all.OfType<Layer>()]);

        Layer Pointwise(string number, Layer? from, int inputs, int outputs, Activation? after) => new()
        {
            Kind = LayerKind.Convolution,
            Name = $"{prefix}conv{number}",
            Norm = $"{prefix}bn{number}",
            ActivationName = $"{prefix}act{number}",
            From = from,
            In = inputs,
            Out = outputs,
            Activation = after,
        };

        SqueezeExciteLayers Squeeze(Layer from, Activation? after) =>
            SqueezeExciteLayers.Of(from.Out, spec.SqueezedChannels, $"{prefix}se.", from, after, shape.HasBiasedSqueeze);
    }
}
