using TorchSharp.Modules;

namespace XSepConv.Onnx;

/// <summary>The blocks and the network as nodes. Their layers' names are the state-dict keys of the modules.</summary>
internal sealed class BlockTranslator(LayerTranslator layers)
{
    /// <summary>The operator alone; <see cref="XSepConv2d"/>.</summary>
    public Value Operator(Value x, ModuleAt at)
    {
        var operation = (XSepConv2d)at.Module;
        LayerTranslator.RequireMap(x, at, operation.Channels);
        return Stage(x, at, firstLayer: 1, operation.Padding, operation.Activation, padded: false);
    }

    /// <summary><see cref="XSepBlock"/>.</summary>
    public Value XSep(Value x, ModuleAt at)
    {
        var block = (XSepBlock)at.Module;
        LayerTranslator.RequireMap(x, at, block.Spec.In);
        var padFirst = block.Placement == PaddingPlacement.BeforeExpand;
        var y = padFirst ? PaddedExpand(x, at, block.Padding) : layers.Convolution(x, at.Child("conv1"), at.Child("bn1"));
        y = layers.Activation(y, block.Spec.Activation, at.Name("act1"));
        y = Stage(y, at, firstLayer: 2, block.Padding, block.Spec.Activation, padFirst);
        if (block.Spec.SqueezeExcite != SqueezeExcite.None) y = SqueezeAndExcite(y, at.Child("se"));
        y = layers.Activation(y, block.Spec.Activation, at.Name("act4"));
        return Shortcut(x, layers.Convolution(y, at.Child("conv5"), at.Child("bn5")), at, block.Spec.Stride);
    }

    /// <summary><see cref="SepBlock"/>.</summary>
    public Value Separated(Value x, ModuleAt at)
    {
        var block = (SepBlock)at.Module;
        LayerTranslator.RequireMap(x, at, block.Spec.In);
        var y = layers.Activation(layers.Convolution(x, at.Child("conv1"), at.Child("bn1")), block.Spec.Activation, at.Name("act1"));
        y = layers.Activation(layers.Convolution(y, at.Child("conv2"), at.Child("bn2")), block.Spec.Activation, at.Name("act2"));
        y = layers.Convolution(y, at.Child("conv3"), at.Child("bn3"));
        if (block.Spec.SqueezeExcite != SqueezeExcite.None) y = SqueezeAndExcite(y, at.Child("se"));
        y = layers.Activation(y, block.Spec.Activation, at.Name("act3"));
        return Shortcut(x, layers.Convolution(y, at.Child("conv4"), at.Child("bn4")), at, block.Spec.Stride);
    }

    /// <summary><see cref="DwBlock"/>.</summary>
    public Value Depthwise(Value x, ModuleAt at)
    {
        var block = (DwBlock)at.Module;
        LayerTranslator.RequireMap(x, at, block.Spec.In);
        var y = layers.Activation(layers.Convolution(x, at.Child("conv1"), at.Child("bn1")), block.Spec.Activation, at.Name("act1"));
        y = layers.Convolution(y, at.Child("conv2"), at.Child("bn2"));
        if (block.Spec.SqueezeExcite == SqueezeExcite.Expanded) y = SqueezeAndExcite(y, at.Child("se"));
        y = layers.Convolution(layers.Activation(y, block.Spec.Activation, at.Name("act2")), at.Child("conv3"), at.Child("bn3"));
        if (block.Spec.SqueezeExcite == SqueezeExcite.Output) y = SqueezeAndExcite(y, at.Child("se"));
        return Shortcut(x, y, at, block.Spec.Stride);
    }

    /// <summary><see cref="SeModule"/>.</summary>
    public Value SqueezeAndExcite(Value x, ModuleAt at)
    {
        var chain = at.Child("se");
        LayerTranslator.RequireMap(x, at, ((Conv2d)chain.Child("1").Module).in_channels);
        var y = layers.GlobalAverage(x, chain.Name("0"));
        y = layers.ReLU(layers.Convolution(y, chain.Child("1"), chain.Child("2")), chain.Name("3"));
        y = layers.HSigmoid(layers.Convolution(y, chain.Child("4"), chain.Child("5")), chain.Name("6"));
        return layers.Gate(y, x, at.Name("scale"));
    }

    /// <summary><see cref="MobileNet"/>; <paramref name="block"/> translates its blocks.</summary>
    public Value Network(Value x, ModuleAt at, Func<Value, ModuleAt, Value> block)
    {
        var activation = ((MobileNet)at.Module).Spec.Activation;
        x = layers.Activation(layers.Convolution(x, at.Child("conv1"), at.Child("bn1")), activation, at.Name("act1"));
        x = at.Child("bneck").Children.Aggregate(x, block);
        x = layers.Activation(layers.Convolution(x, at.Child("conv2"), at.Child("bn2")), activation, at.Name("act2"));
        x = layers.Flatten(layers.GlobalAverage(x, at.Name("pool")), at.Name("flatten"));
        x = layers.Activation(layers.Linear(x, at.Child("linear3"), at.Child("bn3")), activation, at.Name("act3"));
        return layers.Linear(x, at.Child("linear4"));
    }

    // 2×2 → BN → act → 1×K → BN → act → K×1 → BN, whose layers are numbered from `firstLayer`.
    private Value Stage(Value x, ModuleAt at, int firstLayer, PaddingDirection padding, Activation activation, bool padded)
    {
        var (first, second, third) = (firstLayer, firstLayer + 1, firstLayer + 2);
        var conv = at.Child($"conv{first}");
        var (weights, geometry) = (LayerWeights.Of(conv), ConvGeometry.Of(conv));
        if (!padded && padding == PaddingDirection.Symmetric)
        {
            (weights, geometry) = (OneSidedKernels.Depthwise3x3(weights, padding), geometry with { Pads = [1, 1, 1, 1] });
        }
        else if (!padded)
        {
            geometry = geometry with { Pads = ConvGeometry.OneSided(padding) };
        }

        x = layers.Convolution(x, weights, geometry, at.Child($"bn{first}"));
        x = layers.Activation(x, activation, at.Name($"act{first}"));
        x = layers.Convolution(x, at.Child($"conv{second}"), at.Child($"bn{second}"));
        x = layers.Activation(x, activation, at.Name($"act{second}"));
        return layers.Convolution(x, at.Child($"conv{third}"), at.Child($"bn{third}"));
    }

    // A padded 1×1 convolution gives zeros on the border, as the convolution of a padded map does; batch norm and bias come after both.
    private Value PaddedExpand(Value x, ModuleAt at, PaddingDirection padding)
    {
        var conv = at.Child("conv1");
        var (weights, geometry) = (LayerWeights.Of(conv), ConvGeometry.Of(conv));
        return padding == PaddingDirection.Symmetric
            ? layers.Convolution(x, OneSidedKernels.Pointwise2x2(weights, padding), geometry with { Pads = [1, 1, 1, 1] }, at.Child("bn1"))
            : layers.Convolution(x, weights, geometry with { Pads = ConvGeometry.OneSided(padding) }, at.Child("bn1"));
    }

    private Value Shortcut(Value x, Value y, ModuleAt at, int stride)
    {
        if (stride != 1) return y;
        var shortcut = at.Child("shortcut");
        if (shortcut.Children.Any()) x = layers.Convolution(x, shortcut.Child("0"), shortcut.Child("1"));
        return layers.Add(y, x, at.Name("add"));
    }
}
