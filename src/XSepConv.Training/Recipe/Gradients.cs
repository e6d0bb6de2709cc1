using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>What happens to all gradients together between the backward pass and the step.</summary>
internal static class Gradients
{
    // Torch's own, against a division by 0.
    private const double Epsilon = 1e-6;

    public static void Scale(ParameterOptimizer optimizer, double factor)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using Scalar scalar = factor;
        foreach (var gradient in Of(optimizer)) gradient.mul_(scalar);
    }

    /// <summary>Makes the norm of all gradients together at most <paramref name="most"/>, as Torch's <c>clip_grad_norm_</c> does.</summary>
    /// <returns>The norm before; when it is not finite, nothing was changed.</returns>
    public static double Clip(ParameterOptimizer optimizer, double most)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var norm = stack([.. Of(optimizer).Select(gradient => gradient.norm())]).norm().to(ScalarType.Float64).item<double>();
        if (double.IsFinite(norm) && norm + Epsilon > most) Scale(optimizer, most / (norm + Epsilon));
        return norm;
    }

    /// <summary>Sets every gradient to 0 for the next step.</summary>
    public static void Clear(ParameterOptimizer optimizer)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var gradient in Of(optimizer)) gradient.zero_();
    }

    /// <summary>The gradients there are, in the parameters' order.</summary>
    private static IEnumerable<Tensor> Of(ParameterOptimizer optimizer) =>
        optimizer.Slots.Select(slot => slot.Parameter.grad).OfType<Tensor>();
}
