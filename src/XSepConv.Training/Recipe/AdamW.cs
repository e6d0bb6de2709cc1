using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>
/// AdamW (Loshchilov and Hutter 2017, algorithm 2) with Torch's semantics. TorchSharp's own hands libtorch numbers that the garbage
/// collector may free meanwhile; here they are held. Its count of steps is the run's position.
/// </summary>
internal sealed class AdamW : ParameterOptimizer
{
    private const string FirstPrefix = SafeTensorsExtensions.TrainingPrefix + "adam/first/";
    private const string SecondPrefix = SafeTensorsExtensions.TrainingPrefix + "adam/second/";

    // Torch's own.
    private const double Epsilon = 1e-8;

    private readonly double _beta1, _beta2, _weightDecay;
    private readonly Tensor[] _first, _second;
    private readonly long[] _steps;

    /// <summary>Takes hold of the parameters of a module that need a gradient, on their device.</summary>
    public AdamW(nn.Module module, double beta1, double beta2, double weightDecay, Func<string, double>? rateFactor = null)
        : base(module, rateFactor)
    {
        (_beta1, _beta2, _weightDecay) = (beta1, beta2, weightDecay);
        using var noGrad = no_grad();
        _first = [.. Slots.Select(slot => zeros_like(slot.Parameter).DetachFromDisposeScope())];
        _second = [.. Slots.Select(slot => zeros_like(slot.Parameter).DetachFromDisposeScope())];
        _steps = new long[Slots.Count];
    }

    public override IEnumerable<(string Name, Tensor Tensor)> Memory =>
        Slots.Zip(_first, (slot, moment) => (FirstPrefix + slot.Name, moment)).Concat(
            Slots.Zip(_second, (slot, moment) => (SecondPrefix + slot.Name, moment)));

    public override void Step(double learningRate)
    {
        using var noGrad = no_grad();
        using Scalar beta1 = _beta1, beta2 = _beta2, rest1 = 1 - _beta1, rest2 = 1 - _beta2, epsilon = Epsilon;
        for (var i = 0; i < Slots.Count; i++)
        {
            using var scope = NewDisposeScope();
            var (slot, first, second) = (Slots[i], _first[i], _second[i]);
            if (slot.Parameter.grad is not { } gradient) continue;
            var (step, rate) = (++_steps[i], learningRate * slot.RateFactor);
            using Scalar kept = 1 - (rate * (slot.Decays ? _weightDecay : 0)), move = -rate / (1 - Math.Pow(_beta1, step));
            using Scalar correction = Math.Sqrt(1 - Math.Pow(_beta2, step));
            slot.Parameter.mul_(kept);
            first.mul_(beta1).add_(gradient, rest1);
            second.mul_(beta2).addcmul_(gradient, gradient, rest2);
            slot.Parameter.addcdiv_(first, second.sqrt().div(correction).add_(epsilon, Scalars.One), move);
        }
    }

    public override void ContinueAfter(long steps) => Array.Fill(_steps, steps);

    public override void Dispose()
    {
        foreach (var moment in _first.Concat(_second)) moment.Dispose();
    }
}
