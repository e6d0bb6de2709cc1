using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The kernels of a convolution → norm → activation on tensors: x, weight, scale, shift. It keeps the raw map besides.</summary>
internal sealed unsafe class FusedConvolution(ConvolutionTrainingShape shape, BlockKernels kernels, FusedNorm norm)
    : FusedOperator(shape.Out, [norm])
{
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
            output = ForwardComposed(tensors, [parameters.Norm.Momentum]);
        }

        return output.MoveToOuterDisposeScope();
    }

    protected override Tensor?[] KernelBackward(IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
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
        return results;
    }

    protected override Tensor Composed(IReadOnlyList<Tensor> tensors, Func<Tensor, int, Tensor> norm)
    {
        var half = shape.Kernel / 2;
        return shape.Activation.Apply(
            norm(nn.functional.conv2d(tensors[0], tensors[1], strides: [shape.Stride, shape.Stride], padding: [half, half]), 0));
    }

    protected override (Tensor Mean, Tensor InverseStd) Running(Tensor statistics, int index) =>
        (statistics.narrow(0, 0, shape.Out), statistics.narrow(0, shape.Out, shape.Out));
}
