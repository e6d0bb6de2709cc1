using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// The kernels of a whole block on tensors: x, then weight, scale and shift of each convolution in the order of its layers.
/// </summary>
/// <remarks>
/// Besides its tensors it keeps the raw maps before and after the spatial stage and after the projection. Where a statistic leaves the
/// range in which float32 holds squares, it runs the composed layers instead, forward and backward.
/// </remarks>
internal sealed unsafe class FusedBlock(BlockTrainingShape shape, BlockKernels kernels, FusedNorm[] norms)
    : FusedOperator(shape.Expand, norms.Length, training: !shape.Frozen)
{
    private bool _isComposed;

    // Before what the kernels keep: means and inverse deviations of norms whose buffers may have changed by the time of backward.
    private long FrozenFloats => shape.Frozen ? FusedMemory.WholeLines(norms.Sum(norm => 2 * norm.Module.num_features)) : 0;

    public override Tensor NewStatistics() => FusedMemory.Empty(FrozenFloats + kernels.Sizes(shape).Kept);

    public override Tensor Forward(IReadOnlyList<Tensor> tensors, Tensor? statistics)
    {
        using var scope = NewDisposeScope();
        var kept = statistics ?? NewStatistics();
        if (shape.Frozen && statistics is not null) KeepRunning(kept);
        var work = FusedMemory.Empty(kernels.Sizes(shape).Forward);
        var output = FusedMemory.Empty(shape.Batch, shape.Out, shape.OutputHeight, shape.OutputWidth);
        BatchNormParameters[] parameters = [.. norms.Select(Parameters)];
        var all = new BlockParameters();
        Fill(tensors, i => parameters[i], ref all);
        if (!kernels.Forward(
            shape, all, FusedMemory.Pointer(tensors[0]), FusedMemory.Pointer(output), FusedMemory.Pointer(kept) + FrozenFloats,
            FusedMemory.Pointer(work), TorchTeam.Join()))
        {
            _isComposed = true;
            output = Composed(tensors, (x, i) => nn.functional.batch_norm(
                x, norms[i].Module.running_mean, norms[i].Module.running_var, tensors[(3 * i) + 2], tensors[(3 * i) + 3],
                training: !shape.Frozen, momentum: parameters[i].Momentum, eps: norms[i].Epsilon));
        }

        return output.MoveToOuterDisposeScope();
    }

    public override Tensor?[] Backward(IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        if (_isComposed) return FusedDifferentiation.Once(() => DifferentiableBackward(saved, outputGradient));
        var results = new Tensor?[saved.Count - 1];
        for (var i = 0; i < results.Length; i++) results[i] = i > 0 || saved[i].requires_grad ? empty_like(saved[i]) : null;
        var work = FusedMemory.Empty(kernels.Sizes(shape).Backward);
        var (parameters, gradients) = (new BlockParameters(), new BlockGradients());
        Fill(saved, i => FusedMemory.Parameters(saved[(3 * i) + 2], saved[(3 * i) + 3], norms[i].Epsilon), ref parameters);
        Fill(results, ref gradients);
        if (results[0] is { } input) gradients.Input = FusedMemory.Pointer(input);
        kernels.Backward(
            shape, parameters, FusedMemory.Pointer(saved[0]), FusedMemory.Pointer(outputGradient),
            FusedMemory.Pointer(saved[^1]) + FrozenFloats, FusedMemory.Pointer(work), gradients, TorchTeam.Join());
        return FusedMemory.AreNumbers(results) ? results
            : FusedDifferentiation.Once(() => DifferentiableBackward(saved, outputGradient));
    }

    public override Tensor?[] DifferentiableBackward(IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        var y = Composed(saved, (x, i) =>
        {
            var (weight, shift) = (saved[(3 * i) + 2], saved[(3 * i) + 3]);
            if (!shape.Frozen) return FusedDifferentiation.BatchNorm(x, weight, shift, norms[i]);
            var (mean, inverse) = Running(saved[^1], i);
            return FusedDifferentiation.Affine(x, weight, shift, mean, inverse);
        });
        return FusedDifferentiation.Gradients(y, saved, outputGradient);
    }

    private Tensor Composed(IReadOnlyList<Tensor> tensors, Func<Tensor, int, Tensor> norm)
    {
        var index = 0;
        var half = shape.Kernel / 2;
        var x = tensors[0];
        var y = shape.Activation.Apply(Next(x));
        if (shape.Padding is { } padding)
        {
            y = shape.Activation.Apply(Next(DirectionalPadding.Pad(y, padding), groups: shape.Expand));
            y = shape.Activation.Apply(Next(y, [1, shape.Stride], [0, half], shape.Expand));
            y = Next(y, [shape.Stride, 1], [half, 0], shape.Expand);
        }
        else
        {
            y = Next(y, [shape.Stride, shape.Stride], [half, half], shape.Expand);
        }

        if (shape.SqueezesExpanded) y = Squeezed(y);
        y = Next(shape.Activation.Apply(y));
        if (shape.SqueezesOutput) y = Squeezed(y);
        return shape.IsAdded ? y + (shape.HasShortcutConvolution ? Next(x) : x) : y;

        Tensor Squeezed(Tensor map)
        {
            var gate = Next(nn.functional.relu(Next(nn.functional.adaptive_avg_pool2d(map, 1))));
            return map * (nn.functional.relu6(gate + 3) / 6);
        }

        Tensor Next(Tensor map, long[]? strides = null, long[]? padding = null, long groups = 1) => norm(
            nn.functional.conv2d(map, tensors[(3 * index) + 1], strides: strides, padding: padding, groups: groups), index++);
    }

    private void Fill(IReadOnlyList<Tensor> tensors, Func<int, BatchNormParameters> norm, ref BlockParameters to)
    {
        var index = 0;
        to.Expand = Next();
        to.Spatial = Next();
        if (shape.IsXSep) (to.Horizontal, to.Vertical) = (Next(), Next());
        if (shape.SqueezesExpanded) (to.Squeeze, to.Excite) = (Next(), Next());
        to.Project = Next();
        if (shape.SqueezesOutput) (to.Squeeze, to.Excite) = (Next(), Next());
        if (shape.HasShortcutConvolution) to.Shortcut = Next();

        ConvNormParameters Next() => new() { Weights = FusedMemory.Pointer(tensors[(3 * index) + 1]), Norm = norm(index++) };
    }

    private void Fill(Tensor?[] tensors, ref BlockGradients to)
    {
        var index = 0;
        to.Expand = Next();
        to.Spatial = Next();
        if (shape.IsXSep) (to.Horizontal, to.Vertical) = (Next(), Next());
        if (shape.SqueezesExpanded) (to.Squeeze, to.Excite) = (Next(), Next());
        to.Project = Next();
        if (shape.SqueezesOutput) (to.Squeeze, to.Excite) = (Next(), Next());
        if (shape.HasShortcutConvolution) to.Shortcut = Next();

        ConvNormGradients Next() => FusedMemory.Gradients(tensors, (3 * index++) + 1);
    }

    private void KeepRunning(Tensor kept)
    {
        var at = FusedMemory.Pointer(kept);
        foreach (var norm in norms)
        {
            FusedMemory.CopyRunning(norm.Module, new() { Mean = at, InverseStd = at + norm.Module.num_features });
            at += 2 * norm.Module.num_features;
        }
    }

    private (Tensor Mean, Tensor Inverse) Running(Tensor kept, int index)
    {
        var at = norms.Take(index).Sum(norm => 2 * norm.Module.num_features);
        var channels = norms[index].Module.num_features;
        return (kept.narrow(0, at, channels), kept.narrow(0, at + channels, channels));
    }
}
