using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Runs the depthwise stage's kernels on tensors.</summary>
internal static unsafe class FusedDepthwise
{
    /// <summary>
    /// Training's forward, or inference's where the call is not training, of x, weight, scale and shift.
    /// What backward needs is written to the statistics [2, C]; they are null where nothing is kept of an inference.
    /// </summary>
    public static Tensor Forward(FusedDepthwiseCall call, IReadOnlyList<Tensor> tensors, Tensor? statistics)
    {
        var shape = call.Shape;
        var output = empty(shape.Batch, shape.Channels, shape.OutputHeight, shape.OutputWidth);
        var parameters = new DepthwiseStageParameters
        {
            Weights = FusedMemory.Pointer(tensors[1]),
            Norm = FusedMemory.Parameters(call.Norm.Module, call.Norm.Momentum),
        };
        float* x = FusedMemory.Pointer(tensors[0]), y = FusedMemory.Pointer(output);
        if (call.Training)
        {
            call.Kernels.TrainForward(shape, parameters, x, y, FusedMemory.Statistics(statistics!, 0), TorchTeam.Threads);
            return output;
        }

        call.Kernels.Infer(shape, parameters, x, y, TorchTeam.Threads);
        if (statistics is not null) FusedMemory.CopyRunning(call.Norm.Module, FusedMemory.Statistics(statistics, 0));
        return output;
    }

    /// <summary>Gradients of the forward's tensors, from those tensors and, last, the forward's statistics.</summary>
    public static Tensor[] Backward(FusedDepthwiseCall call, IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        var results = saved.Take(saved.Count - 1).Select(tensor => empty_like(tensor)).ToArray();
        var parameters = new DepthwiseStageParameters
        {
            Weights = FusedMemory.Pointer(saved[1]),
            Norm = FusedMemory.Parameters(saved[2], saved[3], call.Norm.Epsilon),
        };
        var gradients = new DepthwiseStageGradients
        {
            Input = FusedMemory.Pointer(results[0]),
            Weights = FusedMemory.Pointer(results[1]),
            Norm = new() { Weight = FusedMemory.Pointer(results[2]), Bias = FusedMemory.Pointer(results[3]) },
        };
        call.Kernels.Backward(
            call.Shape, parameters, FusedMemory.Pointer(saved[0]), FusedMemory.Pointer(outputGradient), FusedMemory.Statistics(saved[^1], 0), gradients,
            frozen: !call.Training, TorchTeam.Threads);
        return results;
    }

    /// <summary>The same, of the composed operators and differentiable again.</summary>
    public static Tensor?[] DifferentiableBackward(FusedDepthwiseCall call, IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        var shape = call.Shape;
        var y = nn.functional.conv2d(
            saved[0], saved[1], strides: [shape.Stride, shape.Stride], padding: [shape.Border, shape.Border], groups: shape.Channels);
        y = FusedDifferentiation.Norm(y, saved[2], saved[3], saved[^1], 0, call.Norm, call.Training);
        return FusedDifferentiation.Gradients(shape.Activation is { } activation ? activation.Apply(y) : y, saved, outputGradient);
    }
}
