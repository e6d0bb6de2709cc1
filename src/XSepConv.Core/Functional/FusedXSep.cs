using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Runs the XSepConv stage's kernels on tensors.</summary>
internal static unsafe class FusedXSep
{
    /// <summary>
    /// Training's forward, or inference's where the call is not training, of x and of weight, scale and shift of each of the three convolutions.
    /// What backward needs is written to the statistics [6, C]; they are null where nothing is kept of an inference.
    /// </summary>
    public static Tensor Forward(FusedXSepCall call, IReadOnlyList<Tensor> tensors, Tensor? statistics)
    {
        var shape = call.Shape;
        var output = empty(shape.Batch, shape.Channels, shape.OutputHeight, shape.OutputWidth);
        var parameters = new XSepStageParameters
        {
            TwoByTwo = FusedMemory.Pointer(tensors[1]),
            Horizontal = FusedMemory.Pointer(tensors[4]),
            Vertical = FusedMemory.Pointer(tensors[7]),
            First = FusedMemory.Parameters(call.First.Module, call.First.Momentum),
            Second = FusedMemory.Parameters(call.Second.Module, call.Second.Momentum),
            Third = FusedMemory.Parameters(call.Third.Module, call.Third.Momentum),
        };
        float* x = FusedMemory.Pointer(tensors[0]), y = FusedMemory.Pointer(output);
        if (call.Training)
        {
            call.Kernels.TrainForward(shape, parameters, x, y, Statistics(statistics!), TorchTeam.Threads);
            return output;
        }

        call.Kernels.Infer(shape, parameters, x, y, TorchTeam.Threads);
        if (statistics is not null)
        {
            var running = Statistics(statistics);
            FusedMemory.CopyRunning(call.First.Module, running.First);
            FusedMemory.CopyRunning(call.Second.Module, running.Second);
            FusedMemory.CopyRunning(call.Third.Module, running.Third);
        }

        return output;
    }

    /// <summary>Gradients of the forward's tensors, from those tensors and, last, the forward's statistics.</summary>
    public static Tensor[] Backward(FusedXSepCall call, IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        var results = saved.Take(saved.Count - 1).Select(tensor => empty_like(tensor)).ToArray();
        var parameters = new XSepStageParameters
        {
            TwoByTwo = FusedMemory.Pointer(saved[1]),
            Horizontal = FusedMemory.Pointer(saved[4]),
            Vertical = FusedMemory.Pointer(saved[7]),
            First = FusedMemory.Parameters(saved[2], saved[3], call.First.Epsilon),
            Second = FusedMemory.Parameters(saved[5], saved[6], call.Second.Epsilon),
            Third = FusedMemory.Parameters(saved[8], saved[9], call.Third.Epsilon),
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
        call.Kernels.Backward(
            call.Shape, parameters, FusedMemory.Pointer(saved[0]), FusedMemory.Pointer(outputGradient), Statistics(saved[^1]), gradients,
            frozen: !call.Training, TorchTeam.Threads);
        return results;
    }

    /// <summary>The same, of the composed operators and differentiable again.</summary>
    public static Tensor?[] DifferentiableBackward(FusedXSepCall call, IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        var (shape, channels) = (call.Shape, call.Shape.Channels);
        var (half, stride) = (shape.Kernel / 2, (long)shape.Stride);
        var y = shape.Prepadded ? saved[0] : DirectionalPadding.Pad(saved[0], shape.Padding);
        y = Norm(nn.functional.conv2d(y, saved[1], groups: channels), 0, call.First, activate: true);
        y = Norm(nn.functional.conv2d(y, saved[4], strides: [1, stride], padding: [0, half], groups: channels), 1, call.Second, activate: true);
        y = Norm(nn.functional.conv2d(y, saved[7], strides: [stride, 1], padding: [half, 0], groups: channels), 2, call.Third, shape.ActivateOutput);
        return FusedDifferentiation.Gradients(y, saved, outputGradient);

        Tensor Norm(Tensor x, int index, FusedNorm norm, bool activate)
        {
            x = FusedDifferentiation.Norm(x, saved[(3 * index) + 2], saved[(3 * index) + 3], saved[^1], index, norm, call.Training);
            return activate ? shape.Activation.Apply(x) : x;
        }
    }

    private static XSepStageStatistics Statistics(Tensor statistics) => new()
    {
        First = FusedMemory.Statistics(statistics, 0),
        Second = FusedMemory.Statistics(statistics, 1),
        Third = FusedMemory.Statistics(statistics, 2),
    };
}
