using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// What Adam (Kingma and Ba 2014, algorithm 1) keeps of a parameter. TorchSharp's own hands libtorch numbers that the garbage collector
/// may free meanwhile; here they are held.
/// </summary>
internal sealed class AdamMoments : IDisposable
{
    // Torch's own.
    private const double Epsilon = 1e-8;

    private readonly Tensor _parameter;
    private readonly double _beta1, _beta2;
    private readonly Scalar _kept1, _kept2, _taken1, _taken2, _epsilon = Epsilon;

    /// <summary>Of a parameter that has not moved yet, on its device.</summary>
    public AdamMoments(Tensor parameter, double beta1 = 0.9, double beta2 = 0.999)
    {
        using var noGrad = no_grad();
        (_parameter, _beta1, _beta2) = (parameter, beta1, beta2);
        Scalar kept1 = beta1, kept2 = beta2, taken1 = 1 - beta1, taken2 = 1 - beta2;
        (_kept1, _kept2, _taken1, _taken2) = (kept1, kept2, taken1, taken2);
        First = zeros_like(parameter).DetachFromDisposeScope();
        Second = zeros_like(parameter).DetachFromDisposeScope();
    }

    /// <summary>The moving average of the gradient.</summary>
    public Tensor First { get; }

    /// <summary>The moving average of its square.</summary>
    public Tensor Second { get; }

    /// <summary>Steps made, which say how far the averages are from their start at 0.</summary>
    public long Steps { get; set; }

    /// <summary>Moves the parameter; does nothing where it has no gradient.</summary>
    /// <param name="learningRate">How far.</param>
    /// <param name="weightDecay">
    /// The share by which it shrinks first, times the rate: AdamW (Loshchilov and Hutter 2017, algorithm 2).
    /// </param>
    public void Step(double learningRate, double weightDecay = 0)
    {
        if (_parameter.grad is not { } gradient) return;
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var step = ++Steps;
        using Scalar kept = 1 - (learningRate * weightDecay), move = -learningRate / (1 - Math.Pow(_beta1, step));
        using Scalar correction = Math.Sqrt(1 - Math.Pow(_beta2, step));
        _parameter.mul_(kept);
        First.mul_(_kept1).add_(gradient, _taken1);
        Second.mul_(_kept2).addcmul_(gradient, gradient, _taken2);
        _parameter.addcdiv_(First, Second.sqrt().div(correction).add_(_epsilon, Scalars.One), move);
    }

    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
        foreach (var number in new[] { _kept1, _kept2, _taken1, _taken2, _epsilon }) number.Dispose();
    }
}
