using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>
/// Stochastic gradient descent with Torch's semantics: d = gradient + decay·p; v = momentum·v + d; p −= rate·(Nesterov: d + momentum·v,
/// else v). Written here because its velocities have to go into a checkpoint and come back bit for bit.
/// </summary>
internal sealed class Sgd : ParameterOptimizer
{
    private const string Prefix = SafeTensorsExtensions.TrainingPrefix + "momentum/";

    private readonly double _momentum, _weightDecay;
    private readonly bool _nesterov;
    private readonly List<Tensor> _velocities = [];

    /// <summary>Takes hold of the parameters of a module that need a gradient, on their device.</summary>
    public Sgd(nn.Module module, double momentum, double weightDecay, bool nesterov, Func<string, double>? rateFactor = null)
        : base(module, rateFactor)
    {
        (_momentum, _weightDecay, _nesterov) = (momentum, weightDecay, nesterov);
        Remember();
    }

    public override IEnumerable<(string Name, Tensor Tensor)> Memory =>
        Slots.Zip(_velocities, (slot, velocity) => (Prefix + slot.Name, velocity));

    public override void Step(double learningRate)
    {
        Remember();
        using var noGrad = no_grad();
        using Scalar momentum = _momentum, weightDecay = _weightDecay;
        for (var i = 0; i < Slots.Count; i++)
        {
            using var scope = NewDisposeScope();
            var (slot, velocity) = (Slots[i], _velocities[i]);
            if (slot.Parameter.grad is not { } gradient) continue;
            var direction = slot.Decays && _weightDecay != 0 ? gradient.add(slot.Parameter, weightDecay) : gradient;
            if (_momentum != 0)
            {
                velocity.mul_(momentum).add_(direction, Scalars.One);
                direction = _nesterov ? direction.add(velocity, momentum) : velocity;
            }

            using Scalar rate = -learningRate * slot.RateFactor;
            slot.Parameter.add_(direction, rate);
        }
    }

    public override void Dispose()
    {
        foreach (var velocity in _velocities) velocity.Dispose();
    }

    private void Remember()
    {
        using var noGrad = no_grad();
        _velocities.AddRange(Slots.Skip(_velocities.Count).Select(slot => zeros_like(slot.Parameter).DetachFromDisposeScope()));
    }
}
