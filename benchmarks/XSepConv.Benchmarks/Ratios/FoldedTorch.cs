using XSepConv.Inference;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>A network as one would deploy it in torch: batch norms folded into the convolutions, activations in place, NCHW.</summary>
/// <remarks>Channels-last is not among the layouts: libtorch 2.10 computes some 1×1 convolutions wrongly in it.</remarks>
internal sealed class FoldedTorch
{
    private readonly bool _embedded;
    private readonly Activation _activation;
    private readonly Layer _stem, _last, _hidden, _classifier;
    private readonly Block[] _blocks;

    /// <param name="network">The weights, as they are now.</param>
    /// <param name="embedded">Whether the 2×2 runs as a 3×3 that needs no padded copy of the map; which is faster differs between
    /// machines.</param>
    public FoldedTorch(MobileNet network, bool embedded)
    {
        using var noGrad = no_grad();
        var spec = network.Spec;
        var folded = FoldedNetwork.Of(spec, new MemoryWeights(spec.Name, ModuleState.Tensors(network), ModuleState.Settings(network)));
        (_embedded, _activation) = (embedded, spec.Activation);
        _stem = Convolution(folded.Stem, spec.InputChannels, (3, 3), (spec.StemStride, spec.StemStride), (1, 1));
        _blocks = [.. folded.Blocks.Select(Make)];
        _last = Pointwise(folded.Last);
        _hidden = Linear(folded.Hidden);
        _classifier = Linear(folded.Classifier);
    }

    /// <summary>Logits [N, classes] of images [N, C, H, W].</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = Activate(_activation, _stem.Apply(x));
        foreach (var block in _blocks) x = Run(block, x);
        x = nn.functional.adaptive_avg_pool2d(Activate(_activation, _last.Apply(x)), 1).flatten(1);
        x = Activate(_activation, nn.functional.linear(x, _hidden.Weight, _hidden.Bias));
        return nn.functional.linear(x, _classifier.Weight, _classifier.Bias).MoveToOuterDisposeScope();
    }

    private static Tensor Run(Block block, Tensor x)
    {
        var spec = block.Spec;
        var y = Activate(spec.Activation, block.Expand.Apply(x));
        for (var i = 0; i < block.Spatial.Length; i++)
        {
            if (i == 0 && block.Padding is { } padding) y = DirectionalPadding.Pad(y, padding);
            y = block.Spatial[i].Apply(y);
            if (i < block.Spatial.Length - 1) y = Activate(spec.Activation, y);
        }

        if (spec.SqueezeExcite == SqueezeExcite.Expanded) y = Gate(block, y);
        y = block.Project.Apply(Activate(spec.Activation, y));
        if (spec.SqueezeExcite == SqueezeExcite.Output) y = Gate(block, y);
        return spec.Stride > 1 ? y : y.add_(block.Shortcut?.Apply(x) ?? x);
    }

    private static Tensor Gate(Block block, Tensor x)
    {
        var squeezed = nn.functional.relu(block.Squeeze!.Apply(nn.functional.adaptive_avg_pool2d(x, 1)), inplace: true);
        return x.mul_(nn.functional.hardsigmoid(block.Excite!.Apply(squeezed), inplace: true));
    }

    private static Tensor Activate(Activation activation, Tensor x) => activation switch
    {
        Activation.ReLU => nn.functional.relu(x, inplace: true),
        Activation.HSwish => nn.functional.hardswish(x, inplace: true),
        Activation.ReLU6 => nn.functional.relu6(x, inplace: true),
        Activation.SiLU => nn.functional.silu(x, inplace: true),
        _ => throw EnumValues.Unknown(activation),
    };

    private Block Make(FoldedBlock block)
    {
        var (spec, spatial) = (block.Spec, block.Spatial);
        Layer[] layers;
        if (spec.Kind == BlockKind.Dw)
        {
            layers =
                [Convolution(spatial[0], 1, (spec.Kernel, spec.Kernel), (spec.Stride, spec.Stride), (spec.Kernel / 2, spec.Kernel / 2))];
        }
        else
        {
            var two = Convolution(spatial[0], 1, (2, 2), (1, 1), (0, 0));
            if (_embedded)
            {
                two = two with
                {
                    Weight = DirectionalPadding.Embed(two.Weight, block.Padding!.Value).MoveToOuterDisposeScope(),
                    Padding = [1, 1],
                };
            }

            layers =
            [
                two,
                Convolution(spatial[1], 1, (1, spec.Kernel), (1, spec.Stride), (0, spec.Kernel / 2)),
                Convolution(spatial[2], 1, (spec.Kernel, 1), (spec.Stride, 1), (spec.Kernel / 2, 0)),
            ];
        }

        var gate = block.SqueezeExcite;
        return new(
            spec, _embedded ? null : block.Padding, Pointwise(block.Expand), layers, gate is null ? null
                : Pointwise(gate.Squeeze), gate is null ? null : Pointwise(gate.Excite),
            Pointwise(block.Project), block.Shortcut is null ? null : Pointwise(block.Shortcut));
    }

    private static Layer Pointwise(FoldedLayer layer) => Convolution(layer, layer.Taps, (1, 1), (1, 1), (0, 0));

    private static Layer Linear(FoldedLayer layer) =>
        new(tensor(layer.Weights).view(layer.Outputs, layer.Taps), tensor(layer.Bias), [], [], 1);

    /// <param name="layer">The weights.</param>
    /// <param name="inputs">Channels that each output sees: 1 where the convolution is depthwise.</param>
    /// <param name="kernel">Rows and columns.</param>
    /// <param name="stride">In rows and columns.</param>
    /// <param name="padding">Of rows and columns, on both sides.</param>
    private static Layer Convolution(FoldedLayer layer, int inputs, (int Rows, int Columns) kernel, (int Rows, int Columns) stride,
        (int Rows, int Columns) padding) => new(
        tensor(layer.Weights).view(layer.Outputs, inputs, kernel.Rows, kernel.Columns), tensor(
            layer.Bias), [stride.Rows, stride.Columns], [padding.Rows, padding.Columns],
        inputs == 1 && kernel != (1, 1) ? layer.Outputs : 1);

    private sealed record Layer(Tensor Weight, Tensor Bias, long[] Stride, long[] Padding, long Groups)
    {
        public Tensor Apply(Tensor x) => nn.functional.conv2d(x, Weight, Bias, Stride, Padding, groups: Groups);
    }

    private sealed record Block(
        BlockSpec Spec, PaddingDirection? Padding, Layer Expand, Layer[] Spatial, Layer? Squeeze, Layer? Excite, Layer Project,
        Layer? Shortcut);
}
