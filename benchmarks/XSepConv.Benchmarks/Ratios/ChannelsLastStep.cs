using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>
/// A training step of a network in libtorch's other memory layout, [N, H, W, C] behind [N, C, H, W]: its parameters and running statistics
/// on libtorch's operators alone, since the modules bring every map into row-major order.
/// </summary>
internal sealed class ChannelsLastStep(MobileNet network)
{
    private readonly Layer[] _layers = [.. NetworkLayers.Of(network.Spec).All];
    private readonly Dictionary<string, Tensor> _state = network.state_dict();

    /// <summary>The same numbers, with the channels of a pixel side by side.</summary>
    public static Tensor InLayout(Tensor x) => x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    /// <summary>Logits [N, classes] of images [N, C, H, W] in training mode.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var values = new Dictionary<Layer, Tensor>();
        foreach (var layer in _layers)
        {
            var y = Run(layer, Of(layer.From), layer.Kind is LayerKind.Gate or LayerKind.Add ? Of(layer.With) : x);
            if (layer.Norm is { } norm) y = Normalise(y, norm);
            values[layer] = layer.Activation is { } activation ? activation.Apply(y) : y;
        }

        return values[_layers[^1]].MoveToOuterDisposeScope();

        Tensor Of(Layer? layer) => layer is null ? x : values[layer];
    }

    private Tensor Run(Layer layer, Tensor x, Tensor with) => layer.Kind switch
    {
        LayerKind.Pad => DirectionalPadding.Pad(x, layer.Padding!.Value),
        LayerKind.Pool => nn.functional.adaptive_avg_pool2d(x, 1),
        LayerKind.Gate => x * nn.functional.hardsigmoid(with),
        LayerKind.Add => x + with,
        LayerKind.Linear => nn.functional.linear(x.flatten(1), Weight(layer), Bias(layer)),
        LayerKind.Convolution or LayerKind.Depthwise => Convolve(layer, x),
        _ => throw EnumValues.Unknown(layer.Kind),
    };

    private Tensor Convolve(Layer layer, Tensor x)
    {
        var (height, width) = layer.Kernel;
        long[] pads = layer.Padding is null ? [height / 2, width / 2] : [0, 0];
        if (layer.Padding is { } direction && !layer.Prepadded) x = DirectionalPadding.Pad(x, direction);
        return nn.functional.conv2d(
            x, Weight(layer), Bias(layer), [layer.Stride.Height, layer.Stride.Width], pads,
            groups: layer.Kind == LayerKind.Depthwise ? layer.Out : 1);
    }

    private Tensor Normalise(Tensor x, string norm) => nn.functional.batch_norm(
        x, _state[$"{norm}.running_mean"], _state[$"{norm}.running_var"], _state[$"{norm}.weight"], _state[$"{norm}.bias"],
        training: true, network.Spec.NormMomentum, network.Spec.NormEpsilon);

    private Tensor Weight(Layer layer) => _state[$"{layer.Name}.weight"];

    private Tensor? Bias(Layer layer) => layer.Bias ? _state[$"{layer.Name}.bias"] : null;
}
