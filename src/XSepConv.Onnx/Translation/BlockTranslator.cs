using TorchSharp.Modules;
using XSepConv.Layers;

namespace XSepConv.Onnx;

/// <summary>The blocks and the network as nodes. Their layers' names are the state-dict keys of the modules.</summary>
internal sealed class BlockTranslator(LayerTranslator layers, ActivationTranslator activations, PoolTranslator pools)
{
    /// <summary>A module by its layers, whose names are the module's.</summary>
    public OnnxTensor Module(OnnxTensor x, ModuleAt at, IReadOnlyList<Layer> parts)
    {
        LayerTranslator.RequireMap(x, at, parts[0].In);
        var values = new Dictionary<Layer, OnnxTensor>();
        foreach (var layer in parts)
        {
            var input = layer.From is { } from ? values[from] : x;
            var y = layer.Kind switch
            {
                // The convolution after it pads: the expansion, or without one the 2×2.
                LayerKind.Pad => input,
                LayerKind.Convolution when layer.From is { Kind: LayerKind.Pad, Padding: { } padding } =>
                    PaddedExpand(input, at, layer, padding),
                LayerKind.Convolution => layers.Convolution(input, At(at, layer.Name), layer.Norm is { } norm ? At(at, norm) : null),
                LayerKind.Depthwise => Depthwise(input, at, layer),
                LayerKind.Pool => pools.GlobalAverage(input, at.Name(layer.Name)),
                LayerKind.Gate => layers.Gate(
                    activations.HSigmoid(values[layer.With!], at.Name(layer.With!.ActivationName)), input, at.Name(layer.Name)),
                LayerKind.Add => layers.Add(input, layer.With is { } added ? values[added] : x, at.Name(layer.Name)),
                _ => throw EnumValues.Unknown(layer.Kind),
            };
            values[layer] = layer.Activation is { } activation ? activations.Activation(y, activation, at.Name(layer.ActivationName)) : y;
        }

        return values[parts[^1]];
    }

    /// <summary><see cref="MobileNet"/>; <paramref name="block"/> translates its blocks.</summary>
    public OnnxTensor Network(OnnxTensor x, ModuleAt at, Func<OnnxTensor, ModuleAt, OnnxTensor> block)
    {
        var spec = ((MobileNet)at.Module).Spec;
        var activation = spec.Activation;
        x = activations.Activation(layers.Convolution(x, at.Child("conv1"), at.Child("bn1")), activation, at.Name("act1"));
        x = at.Child("bneck").Children.Aggregate(x, block);
        x = activations.Activation(layers.Convolution(x, at.Child("conv2"), at.Child("bn2")), activation, at.Name("act2"));
        x = layers.Flatten(pools.GlobalAverage(x, at.Name("pool")), at with { Path = at.Name("flatten") }, 1, -1);
        if (spec.HiddenFeatures > 0)
        {
            ModuleAt? norm = spec.HiddenNorm ? at.Child("bn3") : null;
            x = activations.Activation(layers.Linear(x, at.Child("linear3"), norm), activation, at.Name("act3"));
        }

        return spec.NumClasses > 0 ? layers.Linear(x, at.Child("linear4")) : x;
    }

    private static ModuleAt At(ModuleAt at, string path) => path.Split('.').Aggregate(at, (module, name) => module.Child(name));

    private OnnxTensor Depthwise(OnnxTensor x, ModuleAt at, Layer layer)
    {
        var conv = At(at, layer.Name);
        var (weights, geometry) = (LayerWeights.Of(conv), ConvGeometry.Of((Conv2d)conv.Module));
        if (layer.Padding is { } padding && (!layer.Prepadded || layer.From is { Kind: LayerKind.Pad }))
        {
            (weights, geometry) = padding == PaddingDirection.Symmetric
                ? (OneSidedKernels.Depthwise3x3(weights, padding), geometry with { Pads = [1, 1, 1, 1] })
                : (weights, geometry with { Pads = ConvGeometry.OneSided(padding) });
        }

        return layers.Convolution(x, weights, geometry, At(at, layer.Norm!));
    }

    // A padded 1×1 convolution gives zeros on the border, as the convolution of a padded map does; batch norm and bias come after both.
    private OnnxTensor PaddedExpand(OnnxTensor x, ModuleAt at, Layer layer, PaddingDirection padding)
    {
        var (conv, norm) = (At(at, layer.Name), At(at, layer.Norm!));
        var (weights, geometry) = (LayerWeights.Of(conv), ConvGeometry.Of((Conv2d)conv.Module));
        return padding == PaddingDirection.Symmetric
            ? layers.Convolution(x, OneSidedKernels.Pointwise2x2(weights, padding), geometry with { Pads = [1, 1, 1, 1] }, norm)
            : layers.Convolution(x, weights, geometry with { Pads = ConvGeometry.OneSided(padding) }, norm);
    }
}
