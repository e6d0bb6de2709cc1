using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The XSepConv stage's kernels on tensors. Forward and backward run in the same width.</summary>
internal sealed unsafe class FusedXSep(
    XSepStageShape shape, StageKernels kernels, FusedNorm first, FusedNorm second, FusedNorm third)
    : FusedOperator(shape.Channels, [first, second, third])
{
    public override Tensor Forward(IReadOnlyList<Tensor> tensors, Tensor? statistics)
    {
        var output = FusedMemory.Empty(shape.Batch, shape.Channels, shape.OutputHeight, shape.OutputWidth);
        var parameters = new XSepStageParameters
        {
            TwoByTwo = FusedMemory.Pointer(tensors[1]),
            Horizontal = FusedMemory.Pointer(tensors[4]),
            Vertical = FusedMemory.Pointer(tensors[7]),
            First = first.ToForward(),
            Second = second.ToForward(),
            Third = third.ToForward(),
        };
        float* x = FusedMemory.Pointer(tensors[0]), y = FusedMemory.Pointer(output);
        if (Training)
        {
            if (kernels.TrainForward(shape, parameters, x, y, Statistics(statistics!), TorchTeam.Join())) return output;
            output.Dispose();
            return ForwardComposed(tensors, [parameters.First.Momentum, parameters.Second.Momentum, parameters.Third.Momentum]);
        }

        kernels.Infer(shape, parameters, x, y, TorchTeam.Join());
        if (statistics is not null)
        {
            var running = Statistics(statistics);
            FusedMemory.CopyRunning(first.Module, running.First);
            FusedMemory.CopyRunning(second.Module, running.Second);
            FusedMemory.CopyRunning(third.Module, running.Third);
        }

        return output;
    }

    protected override Tensor?[] KernelBackward(IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        var results = saved.Take(saved.Count - 1).Select(tensor => empty_like(tensor)).ToArray();
        var parameters = new XSepStageParameters
        {
            TwoByTwo = FusedMemory.Pointer(saved[1]),
            Horizontal = FusedMemory.Pointer(saved[4]),
            Vertical = FusedMemory.Pointer(saved[7]),
            First = first.ToBackward(saved[2], saved[3]),
            Second = second.ToBackward(saved[5], saved[6]),
            Third = third.ToBackward(saved[8], saved[9]),
        };
        var gradients = new XSepStageGradients
        {
            Input = FusedMemory.Pointer(results[0]),
            TwoByTwo = FusedMemory.Pointer(results[1]),
            Horizontal = FusedMemory.Pointer(results[4]),
            Vertical = FusedMemory.Pointer(results[7]),
            First = new() { Weight = FusedMemory.Pointer(results[2]), Bias = FusedMemory.Pointer(results[3]) },
            Second = new() { Weight = FusedMemory.Pointer(results[5]), Bias = FusedMemory.Pointer(results[6]) },
            Third = new() { Weight = FusedMemory.Pointer(results[8]), Bias = FusedMemory.Pointer(results[9]) },
        };
        kernels.Backward(
            shape, parameters, FusedMemory.Pointer(saved[0]), FusedMemory.Pointer(outputGradient), Statistics(saved[^1]), gradients,
            frozen: !Training, TorchTeam.Join());
        return results;
    }

    protected override Tensor Composed(IReadOnlyList<Tensor> tensors, Func<Tensor, int, Tensor> norm)
    {
        var (half, stride, channels, activation) = (shape.Kernel / 2, (long)shape.Stride, shape.Channels, shape.Activation);
        var y = shape.Prepadded ? tensors[0] : DirectionalPadding.Pad(tensors[0], shape.Padding);
        y = activation.Apply(norm(nn.functional.conv2d(y, tensors[1], groups: channels), 0));
        y = activation.Apply(
            norm(nn.functional.conv2d(y, tensors[4], strides: [1, stride], padding: [0, half], groups: channels), 1));
        y = norm(nn.functional.conv2d(y, tensors[7], strides: [stride, 1], padding: [half, 0], groups: channels), 2);
        return shape.ActivateOutput ? activation.Apply(y) : y;
    }

    private static XSepStageStatistics Statistics(Tensor statistics) => new()
    {
        First = FusedMemory.Statistics(statistics, 0),
        Second = FusedMemory.Statistics(statistics, 1),
        Third = FusedMemory.Statistics(statistics, 2),
    };
}
