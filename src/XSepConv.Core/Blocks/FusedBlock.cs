using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// The kernels of a whole block on tensors: x, then weight, scale and shift (without a norm, weight and bias) of each convolution in the
/// order of its layers.
/// </summary>
/// <remarks>
/// Besides its tensors it keeps raw maps: after the spatial stage, after the projection, and before both unless that is made again.
/// </remarks>
internal sealed unsafe class FusedBlock(BlockTrainingShape shape, PaddingDirection? inputPadding, BlockKernels kernels, FusedNorm?[] norms)
    : FusedOperator(shape.Expand, norms)
{
    // Before what the kernels keep: means and inverse deviations of norms whose buffers may have changed by the time of backward.
    private long FrozenFloats => FusedMemory.WholeLines(FrozenBefore(Norms.Length));

    public override Tensor NewStatistics() => FusedMemory.Empty(FrozenFloats + kernels.Sizes(shape).Kept);

    public override Tensor Forward(IReadOnlyList<Tensor> tensors, Tensor? statistics)
    {
        using var scope = NewDisposeScope();
        var kept = statistics ?? NewStatistics();
        if (statistics is not null) KeepRunning(kept);
        var work = FusedMemory.Empty(kernels.Sizes(shape).Forward);
        var output = FusedMemory.Empty(shape.Batch, shape.Out, shape.OutputHeight, shape.OutputWidth);
        BatchNormParameters[] parameters = [.. Norms.Select((norm, i) => norm?.ToForward() ?? Bias(tensors, i))];
        var all = new BlockParameters { Padded = Padded(tensors[0]) };
        Fill(tensors, i => parameters[i], ref all);
        if (!kernels.Forward(
            shape, all, FusedMemory.Pointer(tensors[0]), FusedMemory.Pointer(output), FusedMemory.Pointer(kept) + FrozenFloats,
            FusedMemory.Pointer(work), TorchTeam.Join()))
        {
            output = ForwardComposed(tensors, Array.ConvertAll(parameters, norm => norm.Momentum));
        }

        return output.MoveToOuterDisposeScope();
    }

    protected override Tensor?[] KernelBackward(IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        var results = new Tensor?[saved.Count - 1];
        for (var i = 0; i < results.Length; i++) results[i] = i > 0 || saved[i].requires_grad ? empty_like(saved[i]) : null;
        var work = FusedMemory.Empty(kernels.Sizes(shape).Backward);
        var (parameters, gradients) = (new BlockParameters { Padded = Padded(saved[0]) }, new BlockGradients());
        Fill(saved, i => Norms[i]?.ToBackward(saved[First(i) + 1], saved[First(i) + 2]) ?? Bias(saved, i), ref parameters);
        Fill(results, ref gradients);
        if (results[0] is { } input) gradients.Input = FusedMemory.Pointer(input);
        var padded = results[0] is not null && shape.Prepadded
            ? FusedMemory.Empty(shape.Batch, shape.In, shape.Height + 1, shape.Width + 1) : null;
        if (padded is not null) gradients.Padded = FusedMemory.Pointer(padded);
        kernels.Backward(
            shape, parameters, FusedMemory.Pointer(saved[0]), FusedMemory.Pointer(outputGradient),
            FusedMemory.Pointer(saved[^1]) + FrozenFloats, FusedMemory.Pointer(work), gradients, TorchTeam.Join());
        if (padded is not null) results[0] = Unpadded(padded, results[0]!, outputGradient);
        return results;
    }

    protected override Tensor Composed(IReadOnlyList<Tensor> tensors, Func<Tensor, int, Tensor> norm)
    {
        var index = 0;
        var half = shape.Kernel / 2;
        var x = tensors[0];
        var y = shape.Prepadded ? DirectionalPadding.Pad(x, inputPadding!.Value) : x;
        if (!shape.SkipsExpansion) y = shape.Activation.Apply(Next(y));
        if (shape.HasTwoByTwo)
        {
            y = shape.Prepadded ? y : DirectionalPadding.Pad(y, shape.Padding!.Value);
            y = shape.Activation.Apply(Next(y, groups: shape.Expand));
        }

        if (shape.IsSeparated)
        {
            y = shape.Activation.Apply(Next(y, [1, shape.Stride], [0, half], shape.Expand));
            y = Next(y, [shape.Stride, 1], [half, 0], shape.Expand);
        }
        else
        {
            y = Next(y, [shape.Stride, shape.Stride], [half, half], shape.Expand);
        }

        if (shape.ActivatesBeforeSqueeze) y = shape.Activation.Apply(y);
        if (shape.SqueezesExpanded) y = Squeezed(y);
        y = Next(shape.ActivatesBeforeSqueeze ? y : shape.Activation.Apply(y));
        if (shape.SqueezesOutput) y = Squeezed(y);
        return shape.IsAdded ? y.Plus(shape.HasShortcutConvolution ? Next(x) : x) : y;

        Tensor Squeezed(Tensor map)
        {
            var gate = Next(nn.functional.relu(Next(nn.functional.adaptive_avg_pool2d(map, 1))));
            return map * nn.functional.relu6(gate.Plus(Scalars.Three)).div(Scalars.Six);
        }

        Tensor Next(Tensor map, long[]? strides = null, long[]? padding = null, long groups = 1)
        {
            var (i, first) = (index, First(index++));
            var bias = Norms[i] is null ? tensors[first + 1] : null;
            map = nn.functional.conv2d(map, tensors[first], bias, strides: strides, padding: padding, groups: groups);
            return bias is null ? norm(map, i) : map;
        }
    }

    protected override (Tensor Mean, Tensor InverseStd) Running(Tensor statistics, int index)
    {
        var (at, channels) = (FrozenBefore(index), Norms[index]!.Module.num_features);
        return (statistics.narrow(0, at, channels), statistics.narrow(0, at + channels, channels));
    }

    // Valid while the scope is that it is called in.
    private float* Padded(Tensor x) =>
        shape.Prepadded ? FusedMemory.Pointer(DirectionalPadding.Pad(x, inputPadding!.Value)) : null;

    // The input's gradient of the padded input's and the shortcut's.
    private Tensor Unpadded(Tensor padded, Tensor shortcut, Tensor outputGradient)
    {
        var inner = DirectionalPadding.Crop(padded, inputPadding!.Value);
        return shape.HasShortcutConvolution ? shortcut.add_(inner, Scalars.One)
            : shape.IsAdded ? inner.Plus(outputGradient) : inner.contiguous();
    }

    private BatchNormParameters Bias(IReadOnlyList<Tensor> tensors, int index) =>
        new() { Bias = FusedMemory.Pointer(tensors[First(index) + 1]), Frozen = true };

    private void Fill(IReadOnlyList<Tensor> tensors, Func<int, BatchNormParameters> norm, ref BlockParameters to)
    {
        var index = 0;
        if (!shape.SkipsExpansion) to.Expand = Next();
        if (shape.HasTwoByTwo || !shape.IsSeparated) to.Spatial = Next();
        if (shape.IsSeparated) (to.Horizontal, to.Vertical) = (Next(), Next());
        if (shape.SqueezesExpanded) (to.Squeeze, to.Excite) = (Next(), Next());
        to.Project = Next();
        if (shape.SqueezesOutput) (to.Squeeze, to.Excite) = (Next(), Next());
        if (shape.HasShortcutConvolution) to.Shortcut = Next();

        ConvNormParameters Next() => new() { Weights = FusedMemory.Pointer(tensors[First(index)]), Norm = norm(index++) };
    }

    private void Fill(Tensor?[] tensors, ref BlockGradients to)
    {
        var index = 0;
        if (!shape.SkipsExpansion) to.Expand = Next();
        if (shape.HasTwoByTwo || !shape.IsSeparated) to.Spatial = Next();
        if (shape.IsSeparated) (to.Horizontal, to.Vertical) = (Next(), Next());
        if (shape.SqueezesExpanded) (to.Squeeze, to.Excite) = (Next(), Next());
        to.Project = Next();
        if (shape.SqueezesOutput) (to.Squeeze, to.Excite) = (Next(), Next());
        if (shape.HasShortcutConvolution) to.Shortcut = Next();

        ConvNormGradients Next() => FusedMemory.Gradients(tensors, First(index), Norms[index++] is not null);
    }

    private void KeepRunning(Tensor kept)
    {
        var at = FusedMemory.Pointer(kept);
        foreach (var norm in Norms)
        {
            if (norm is not { IsFrozen: true }) continue;
            FusedMemory.CopyRunning(norm.Module, new() { Mean = at, InverseStd = at + norm.Module.num_features });
            at += 2 * norm.Module.num_features;
        }
    }

    private long FrozenBefore(int index)
    {
        var floats = 0L;
        foreach (var norm in Norms.AsSpan(0, index)) floats += norm is { IsFrozen: true } ? 2 * norm.Module.num_features : 0;
        return floats;
    }
}
