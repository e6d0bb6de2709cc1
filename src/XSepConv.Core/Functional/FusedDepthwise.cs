using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The depthwise stage's kernels on tensors. Forward and backward run in the same width.</summary>
internal sealed unsafe class FusedDepthwise(DepthwiseStageShape shape, StageKernels kernels, FusedNorm norm)
    : FusedOperator(shape.Channels, [norm])
{
    public override Tensor Forward(IReadOnlyList<Tensor> tensors, Tensor? statistics)
    {
        var output = FusedMemory.Empty(shape.Batch, shape.Channels, shape.OutputHeight, shape.OutputWidth);
        var parameters = new DepthwiseStageParameters
        {
            Weights = FusedMemory.Pointer(tensors[1]),
            Norm = norm.ToForward(),
        };
        float* x = FusedMemory.Pointer(tensors[0]), y = FusedMemory.Pointer(output);
        if (Training)
        {
            if (kernels.TrainForward(shape, parameters, x, y, FusedMemory.Statistics(statistics!, 0), TorchTeam.Join())) return output;
            output.Dispose();
            return ForwardComposed(tensors, [parameters.Norm.Momentum]);
        }

        kernels.Infer(shape, parameters, x, y, TorchTeam.Join());
        if (statistics is not null) FusedMemory.CopyRunning(norm.Module, FusedMemory.Statistics(statistics, 0));
        return output;
    }

    protected override Tensor?[] KernelBackward(IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        var results = saved.Take(saved.Count - 1).Select(tensor => empty_like(tensor)).ToArray();
        var parameters = new DepthwiseStageParameters
        {
            Weights = FusedMemory.Pointer(saved[1]),
            Norm = norm.ToBackward(saved[2], saved[3]),
        };
        var gradients = new DepthwiseStageGradients
        {
            Input = FusedMemory.Pointer(results[0]),
            Weights = FusedMemory.Pointer(results[1]),
            Norm = new() { Weight = FusedMemory.Pointer(results[2]), Bias = FusedMemory.Pointer(results[3]) },
        };
        kernels.Backward(
            shape, parameters, FusedMemory.Pointer(saved[0]), FusedMemory.Pointer(outputGradient), FusedMemory.Statistics(saved[^1], 0),
            gradients, frozen: !Training, TorchTeam.Join());
        return results;
    }

    protected override Tensor Composed(IReadOnlyList<Tensor> tensors, Func<Tensor, int, Tensor> norm)
    {
        var y = norm(nn.functional.conv2d(
            tensors[0], tensors[1], strides: [shape.Stride, shape.Stride], padding: [shape.Border, shape.Border],
            groups: shape.Channels), 0);
        return shape.Activation is { } activation ? activation.Apply(y) : y;
    }
}
