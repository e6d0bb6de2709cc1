using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Composed parts for a backward that is differentiated again.</summary>
internal static class FusedDifferentiation
{
    /// <summary>
    /// Batch norm as the forward had it: of this batch, or with the mean and inverse deviation in rows 2i and 2i + 1 of the statistics.
    /// </summary>
    public static Tensor Norm(Tensor x, Tensor weight, Tensor bias, Tensor statistics, int index, FusedNorm norm, bool training)
    {
        return training ? BatchNorm(x, weight, bias, norm) : Affine(x, weight, bias, statistics[2 * index], statistics[(2 * index) + 1]);
    }

    /// <summary>With the statistics of this batch.</summary>
    public static Tensor BatchNorm(Tensor x, Tensor weight, Tensor bias, FusedNorm norm) =>
        nn.functional.batch_norm(x, null, null, weight, bias, training: true, momentum: 0, eps: norm.Epsilon);

    /// <summary>With a mean and an inverse deviation.</summary>
    public static Tensor Affine(Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor inverse) =>
        ((x - Channels(mean)) * Channels(inverse) * Channels(weight)).Plus(Channels(bias));

    /// <summary>
    /// Partial derivatives of a composed operator, differentiable again. What one of its tensors is a function of, another of them
    /// perhaps, is not gone into: views stand for all that have a history.
    /// </summary>
    public static Tensor?[] Backward(FusedOperator operation, IReadOnlyList<Tensor> saved, Tensor outputGradient) =>
        operation.DifferentiableBackward(
            [.. saved.Select(tensor => tensor.requires_grad ? tensor.view(tensor.shape) : tensor)], outputGradient);

    /// <summary>Gradients of all but the last of <paramref name="saved"/>; null for those that need none.</summary>
    public static Tensor?[] Gradients(Tensor y, IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        var results = new Tensor?[saved.Count - 1];
        var wanted = Enumerable.Range(0, results.Length).Where(i => saved[i].requires_grad).ToArray();


        // What it would throw, TorchSharp lets through to the end of the process. The engine that called looks at what is given.
        using var quiet = autograd.set_detect_anomaly(false);
        var gradients = autograd.grad([y], [.. wanted.Select(i => saved[i])], [outputGradient], retain_graph: true, create_graph: true);
        for (var i = 0; i < wanted.Length; i++) results[wanted[i]] = gradients[i];
        return results;
    }

    /// <summary>Gradients of the composed operators where no more than those are wanted.</summary>
    public static Tensor?[] Once(FusedOperator operation, IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        using var grad = enable_grad();
        return [.. Backward(operation, saved, outputGradient).Select(gradient => gradient?.detach())];
    }

    private static Tensor Channels(Tensor x) => x.view(1, -1, 1, 1);
}
