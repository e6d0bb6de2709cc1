using XSepConv.Layers;

namespace XSepConv.Onnx;

/// <summary>
/// The blocks and the network as nodes. Their layers' names are the state-dict keys of the modules, which are translated as they are now:
/// whatever was set on them since they were built, and by whoever is registered for their class.
/// </summary>
internal sealed class BlockTranslator(ModuleTranslator to, ExportableModules exportable)
{
    // Of squeeze-excite's module, within itself and in a block, and of the convolution for a shortcut.
    private const string SqueezeName = "se", ShortcutName = "shortcut";

    /// <summary>A module by its layers, whose names are the module's.</summary>
    public OnnxTensor Module(OnnxTensor x, ModuleAt at, IReadOnlyList<Layer> parts)
    {
        LayerTranslator.RequireMap(x, at, parts[0].In);
        var values = new Dictionary<Layer, OnnxTensor>();
        foreach (var layer in parts.Where(layer => !IsInAnotherModule(layer)))
        {
            var input = layer.From is { } from ? values[from] : x;
            var y = layer.Kind switch
            {
                // The convolution after it pads: the expansion, or without one the 2×2.
                LayerKind.Pad => input,
                LayerKind.Convolution or LayerKind.Depthwise => Convolution(input, at, layer),
                LayerKind.Gate => Gate(input, at, layer),
                LayerKind.Add => to.Layers.Add(input, Shortcut(x, at), at.Name(layer.Name)),
                _ => throw EnumValues.Unknown(layer.Kind),
            };
            values[layer] = layer.Activation is { } activation
                ? to.Activations.Activation(y, activation, at.Name(layer.ActivationName))
                : y;
        }

        return values[parts[^1]];
    }

    /// <summary><see cref="MobileNet"/>.</summary>
    public OnnxTensor Network(OnnxTensor x, ModuleAt at)
    {
        var spec = ((MobileNet)at.Module).Spec;
        x = Act(to.Sequence(x, [at.Child("conv1"), at.Child("bn1")]), "act1");
        x = to.Translate(x, at.Child("bneck"));
        x = Act(to.Sequence(x, [at.Child("conv2"), at.Child("bn2")]), "act2");
        x = to.Layers.Flatten(to.Pools.GlobalAverage(x, at.Name("pool")), at with { Path = at.Name("flatten") }, 1, -1);
        if (spec.HiddenFeatures > 0)
        {
            ModuleAt[] hidden = spec.HiddenNorm ? [at.Child("linear3"), at.Child("bn3")] : [at.Child("linear3")];
            x = Act(to.Sequence(x, hidden), "act3");
        }

        return spec.NumClasses > 0 ? to.Sequence(x, [at.Child("dropout"), at.Child("linear4")]) : x;

        OnnxTensor Act(OnnxTensor y, string name) => to.Activations.Activation(y, spec.Activation, at.Name(name));
    }

    private static ModuleAt At(ModuleAt at, string path) => path.Split('.').Aggregate(at, (module, name) => module.Child(name));

    // What a module in the block runs: the gate's factors, and what is added.
    private static bool IsInAnotherModule(Layer layer) =>
        layer.Kind == LayerKind.Pool || layer.Name.StartsWith($"{ShortcutName}.", StringComparison.Ordinal)
        || (layer.Kind == LayerKind.Convolution && layer.From is { } from && IsInAnotherModule(from));

    private OnnxTensor Gate(OnnxTensor x, ModuleAt at, Layer layer)
    {
        var y = to.Translate(x, at.Child(SqueezeName));
        return at.Module is SeModule ? to.Layers.Gate(y, x, at.Name(layer.Name)) : y;
    }

    private OnnxTensor Shortcut(OnnxTensor x, ModuleAt at) =>
        at.Children.Where(child => child.Path == at.Name(ShortcutName)).Aggregate(x, to.Translate);

    private OnnxTensor Convolution(OnnxTensor x, ModuleAt at, Layer layer)
    {
        ModuleAt[] both = [At(at, layer.Name), At(at, layer.Norm!)];
        var padding = layer.From is { Kind: LayerKind.Pad } pad ? pad.Padding : layer.Prepadded ? null : layer.Padding;
        if (padding is not { } sides) return to.Sequence(x, both);
        return both.All(exportable.IsStock) && OneSidedKernels.Padded(both[0], sides) is var (weights, geometry)
            ? to.Layers.Convolution(x, weights, geometry, both[1])
            : to.Sequence(Padded(x, both[0], sides), both);
    }

    // As a step of its own, where the layer is not one into which the padding can go.
    private OnnxTensor Padded(OnnxTensor x, ModuleAt conv, PaddingDirection padding)
    {
        var name = conv.Name("padded");
        if (padding != PaddingDirection.Symmetric)
        {
            return to.Pads.Pad(x, ConvGeometry.OneSided(padding), TorchSharp.PaddingModes.Zeros, 0, conv, name);
        }

        var weights = OneSidedKernels.Padding(conv with { Path = name }, x.Channels, padding);
        return to.Layers.Convolution(x, weights, new([1, 1, 1, 1], [1, 1], [1, 1], x.Channels), norm: null);
    }
}
