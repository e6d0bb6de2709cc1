using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Layers as modules, with torch's default initialisation.</summary>
internal static class LayerModules
{
    public static (Conv2d Convolution, BatchNorm2d Norm) Of(Layer layer, Device? device, ScalarType? dtype) =>
        (Convolution(layer, device, dtype), BatchNorms.Of(layer.Out, device, dtype));

    public static Conv2d Convolution(Layer layer, Device? device, ScalarType? dtype)
    {
        var (height, width) = layer.Kernel;

        // What a 2×2 pads is not the same on both sides: its stage does it.
        var isTwoByTwo = (height, width) == (2, 2);
        return nn.Conv2d(
            layer.In, layer.Out, (height, width), stride: layer.Stride, padding: isTwoByTwo ? (0, 0) : (height / 2, width / 2),
            groups: layer.Kind == LayerKind.Depthwise ? layer.In : 1, bias: layer.Bias, device: device,
            dtype: dtype ?? ScalarType.Float32);
    }

    public static Linear Linear(Layer layer, Device? device, ScalarType? dtype) =>
        nn.Linear(layer.In, layer.Out, device: device, dtype: dtype ?? ScalarType.Float32);

    /// <summary>The convolution and the batch norm that make a block's input fit; empty where it fits, or is not added.</summary>
    public static Sequential Shortcut(BlockLayers layers, Device? device, ScalarType? dtype)
    {
        if (layers.Shortcut is not { } layer) return nn.Sequential();
        var (convolution, norm) = Of(layer, device, dtype);
        return nn.Sequential(convolution, norm);
    }
}
