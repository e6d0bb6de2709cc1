using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// The kernels of a convolution → norm → activation on tensors: x, weight, scale, shift. It keeps the raw map besides; where a statistic
/// leaves the range in which float32 holds squares it runs the composed layers, as <see cref="FusedBlock"/> does.
/// </summary>
internal sealed unsafe class FusedConvolution(ConvolutionTrainingShape shape, BlockKernels kernels, FusedNorm norm)
    : FusedOperator(shape.Out, norms: 1, training: !norm.IsFrozen)
{
    private bool _isComposed;

    // Before what the kernels keep: mean and inverse deviation of a norm whose buffers may have changed by the time of backward.
    private long FrozenFloats => norm.IsFrozen ? FusedMemory.WholeLines(2L * shape.Out) : 0;

    public override Tensor NewStatistics() => FusedMemory.Empty(FrozenFloats + kernels.Sizes(shape).Kept);

    public override Tensor Forward(IReadOnlyList<Tensor> tensors, Tensor? statistics)
    {
        using var scope = NewDisposeScope();
        var kept = statistics ?? NewStatistics();
        if (norm.IsFrozen && statistics is not null)
        {
            FusedMemory.CopyRunning(
                norm.Module, new() { Mean = FusedMemory.Pointer(kept), InverseStd = FusedMemory.Pointer(kept) + shape.Out });
        }

        var work = FusedMemory.Empty(kernels.Sizes(shape).Forward);
        var output = FusedMemory.Empty(shape.Batch, shape.Out, shape.OutputHeight, shape.OutputWidth);
        var parameters = new ConvNormParameters { Weights = FusedMemory.Pointer(tensors[1]), Norm = norm.ToForward() };
        if (!kernels.Forward(
            shape, parameters, FusedMemory.Pointer(tensors[0]), FusedMemory.Pointer(output), FusedMemory.Pointer(kept) + FrozenFloats,
            FusedMemory.Pointer(work), TorchTeam.Join()))
        {
            _isComposed = true;
            output = shape.Activation.Apply(nn.functional.batch_norm(
                Convolve(tensors), norm.Module.running_mean, norm.Module.running_var, tensors[2], tensors[3], training: true,
                momentum: parameters.Norm.Momentum, eps: norm.Epsilon));
        }

        return output.MoveToOuterDisposeScope();
    }

    public override Tensor?[] Backward(IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        if (_isComposed) return FusedDifferentiation.Once(this, saved, outputGradient);

        // As it was in forward, which memory is laid out by: the images may have been asked for a gradient since.
        Tensor?[] results =
            [shape.HasInputGradient ? empty_like(saved[0]) : null, empty_like(saved[1]), empty_like(saved[2]), empty_like(saved[3])];
        var work = FusedMemory.Empty(kernels.Sizes(shape).Backward);
        var parameters = new ConvNormParameters
        {
            Weights = FusedMemory.Pointer(saved[1]),
            Norm = norm.ToBackward(saved[2], saved[3]),
        };
        kernels.Backward(
            shape, parameters, FusedMemory.Pointer(saved[0]), FusedMemory.Pointer(outputGradient),
            FusedMemory.Pointer(saved[^1]) + FrozenFloats, FusedMemory.Pointer(work),
            results[0] is { } input ? FusedMemory.Pointer(input) : null,
            FusedMemory.Gradients(results, 1, normed: true), TorchTeam.Join());
        return FusedMemory.AreNumbers(results) ? results
            : FusedDifferentiation.Once(this, saved, outputGradient);
    }

    public override Tensor?[] DifferentiableBackward(IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        var y = Convolve(saved);
        y = norm.IsFrozen
            ? FusedDifferentiation.Affine(
                y, saved[2], saved[3], saved[^1].narrow(0, 0, shape.Out), saved[^1].narrow(0, shape.Out, shape.Out))
            : FusedDifferentiation.BatchNorm(y, saved[2], saved[3], norm);
        return FusedDifferentiation.Gradients(shape.Activation.Apply(y), saved, outputGradient);
    }

    private Tensor Convolve(IReadOnlyList<Tensor> tensors)
    {
        var half = shape.Kernel / 2;
        return nn.functional.conv2d(tensors[0], tensors[1], strides: [shape.Stride, shape.Stride], padding: [half, half]);
    }
}
