using XSepConv.Inference;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>
/// A network on libtorch's operators, one after the other: batch norms folded into the convolutions, activations in place.
/// </summary>
/// <remarks>In the layout of the images that it gets. libtorch 2.10 computes some 1×1 convolutions wrongly in channels-last.</remarks>
internal sealed class FoldedTorch
{
    private readonly Operation[] _operations;

    /// <param name="network">The weights, as they are now.</param>
    /// <param name="embedded">
    /// Whether the 2×2 runs as a 3×3 that needs no padded copy of the map; which is faster differs between machines.
    /// </param>
    public FoldedTorch(MobileNet network, bool embedded)
    {
        using var noGrad = no_grad();
        var spec = network.Spec;
        var folded = FoldedNetwork.Of(spec, new MemoryWeights(spec.Name, ModuleState.Tensors(network), ModuleState.Settings(network)));
        Layer[] layers = [.. folded.Layers.All];
        _operations =
        [
            .. layers.Select(layer => new Operation(
                Array.IndexOf(layers, layer.From), Array.IndexOf(layers, layer.With), layer.Activation,
                Make(layer, layer.HasWeights ? folded[layer] : null, embedded))),
        ];
    }

    /// <summary>Logits [N, classes] of images [N, C, H, W].</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var values = new Tensor[_operations.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var (from, with, activation, run) = _operations[i];
            var y = run(from < 0 ? x : values[from], with < 0 ? x : values[with]);
            values[i] = activation is { } chosen ? Activate(chosen, y) : y;
        }

        return values[^1].MoveToOuterDisposeScope();
    }

    // Takes the map before, and the gate's factors or what is added.
    private static Func<Tensor, Tensor, Tensor> Make(Layer layer, FoldedLayer? folded, bool embedded)
    {
        switch (layer.Kind)
        {
            case LayerKind.Pad: return (x, _) => DirectionalPadding.Pad(x, layer.Padding!.Value);
            case LayerKind.Pool: return (x, _) => nn.functional.adaptive_avg_pool2d(x, 1);
            case LayerKind.Gate: return (x, factors) => x.mul_(nn.functional.hardsigmoid(factors, inplace: true));
            case LayerKind.Add: return (x, added) => x.add_(added);
            case LayerKind.Linear:
                var (matrix, offsets) = (tensor(folded!.Weights).view(layer.Out, layer.In), tensor(folded.Bias));
                return (x, _) => nn.functional.linear(x.flatten(1), matrix, offsets);
            case LayerKind.Convolution or LayerKind.Depthwise:
                return Convolution(layer, folded!, embedded);
            default: throw EnumValues.Unknown(layer.Kind);
        }
    }

    private static Func<Tensor, Tensor, Tensor> Convolution(Layer layer, FoldedLayer folded, bool embedded)
    {
        var (height, width) = layer.Kernel;
        var (weight, bias) = (tensor(folded.Weights).view(layer.Out, layer.InputsPerOutput, height, width), tensor(folded.Bias));
        long[] strides = [layer.Stride.Height, layer.Stride.Width], pads = [height / 2, width / 2];
        var groups = layer.Kind == LayerKind.Depthwise ? layer.Out : 1;
        if (layer.Padding is not { } direction) return Run(x => x);
        pads = [0, 0];
        if (layer.Prepadded) return Run(x => x);
        if (!embedded) return Run(x => DirectionalPadding.Pad(x, direction));
        pads = [1, 1];
        weight = DirectionalPadding.Embed(weight, direction).MoveToOuterDisposeScope();
        return Run(x => x);

        Func<Tensor, Tensor, Tensor> Run(Func<Tensor, Tensor> pad) =>
            (x, _) => nn.functional.conv2d(pad(x), weight, bias, strides, pads, groups: groups);
    }

    private static Tensor Activate(Activation activation, Tensor x) => activation switch
    {
        Activation.ReLU => nn.functional.relu(x, inplace: true),
        Activation.HSwish => nn.functional.hardswish(x, inplace: true),
        Activation.ReLU6 => nn.functional.relu6(x, inplace: true),
        Activation.SiLU => nn.functional.silu(x, inplace: true),
        _ => throw EnumValues.Unknown(activation),
    };

    private readonly record struct Operation(int From, int With, Activation? Activation, Func<Tensor, Tensor, Tensor> Run);
}
