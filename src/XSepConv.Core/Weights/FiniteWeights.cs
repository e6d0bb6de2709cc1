using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Holds the weights of a module to what can be computed with: <see cref="WeightValues"/> on tensors.</summary>
internal static class FiniteWeights
{
    /// <summary>The first tensor with a value that is no weight, the value and its place; null when all are.</summary>
    /// <exception cref="ObjectDisposedException">The module, or a module or tensor in it, is disposed.</exception>
    public static string? Problem(nn.Module module)
    {
        using var noGrad = no_grad();
        foreach (var (key, tensor) in ModuleState.Of(module))
        {
            using var scope = NewDisposeScope();
            if (!tensor.is_floating_point() || tensor.numel() == 0 || IsFine(key, tensor)) continue;
            if (WeightValues.Problem(key, TensorBytes.Doubles(tensor)) is { } problem) return problem;
        }

        return null;
    }

    private static bool IsFine(string key, Tensor tensor) =>
        tensor.isfinite().all().item<bool>() && (!WeightValues.IsVariance(key) || tensor.ge(Scalars.Zero).all().item<bool>());
}
