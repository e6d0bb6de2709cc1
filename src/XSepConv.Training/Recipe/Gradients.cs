using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>What happens to all gradients together between the backward pass and the step.</summary>
internal static class Gradients
{
    // Torch's own, against a division by 0.
    private const double Epsilon = 1e-6;

    /// <summary>The gradients there are, in the parameters' order. Each is a new object: taken once, they serve a whole step.</summary>
    public static Tensor[] Of(ParameterOptimizer optimizer) =>
        [.. optimizer.Slots.Select(slot => slot.Parameter.grad).OfType<Tensor>()];

    public static void Scale(Tensor[] gradients, double factor)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using Scalar scalar = factor;
        foreach (var gradient in gradients) gradient.mul_(scalar);
    }

    /// <summary>Makes the norm of all gradients together at most <paramref name="most"/>, as Torch's <c>clip_grad_norm_</c> does.</summary>
    /// <returns>The norm before; when it is not finite, nothing was changed.</returns>
    public static double Clip(Tensor[] gradients, double most)
    {
        var norm = Norm(gradients);
        if (double.IsFinite(norm) && norm + Epsilon > most) Scale(gradients, most / (norm + Epsilon));
        return norm;
    }

    /// <summary>The L2 norm of all gradients together. It may overflow where all of them are numbers.</summary>
    public static double Norm(Tensor[] gradients)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return gradients.Length == 0 ? 0
            : stack([.. gradients.Select(gradient => gradient.norm())]).norm().to(ScalarType.Float64).item<double>();
    }

    /// <summary>Whether every gradient is a finite number; slower than the norm, which says so unless it overflows.</summary>
    public static bool AreFinite(Tensor[] gradients)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return Array.TrueForAll(gradients, gradient => gradient.isfinite().all().item<bool>());
    }

    /// <summary>Sets every gradient to 0 for the next step.</summary>
    public static void Clear(Tensor[] gradients)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var gradient in gradients) gradient.zero_();
    }

    /// <inheritdoc cref="Clear(Tensor[])"/>
    public static void Clear(ParameterOptimizer optimizer)
    {
        using var scope = NewDisposeScope();
        Clear(Of(optimizer));
    }
}
