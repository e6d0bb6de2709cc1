using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>
/// Stochastic gradient descent with Torch's semantics: d = gradient + decay·p; v = momentum·v + d; p −= rate·(Nesterov: d + momentum·v, else v).
/// Written here because its velocities have to go into a checkpoint and come back bit for bit.
/// </summary>
internal sealed class Sgd : IDisposable
{
    private readonly double _momentum, _weightDecay;
    private readonly bool _nesterov;

    /// <summary>Takes hold of all parameters of a module, on their device.</summary>
    public Sgd(nn.Module module, double momentum, double weightDecay, bool nesterov)
    {
        (_momentum, _weightDecay, _nesterov) = (momentum, weightDecay, nesterov);
        using var noGrad = no_grad();
        Slots = [.. module.named_parameters().Select(named =>
            new Slot(named.name, named.parameter, zeros_like(named.parameter).DetachFromDisposeScope(), Decays(named.parameter)))];
    }

    /// <summary>A parameter and what belongs to it.</summary>
    internal sealed record Slot(string Name, Tensor Parameter, Tensor Velocity, bool Decays);

    /// <summary>All parameters, in the module's order.</summary>
    public IReadOnlyList<Slot> Slots { get; }

    /// <summary>Weights of convolutions and linear layers have two dimensions or more; biases and batch normalisation have one.</summary>
    public static bool Decays(Tensor parameter) => parameter.dim() > 1;

    /// <summary>Moves every parameter, and sets its gradient to 0 for the next step.</summary>
    public void Step(double learningRate)
    {
        using var noGrad = no_grad();
        using Scalar momentum = _momentum, weightDecay = _weightDecay, rate = -learningRate;
        foreach (var slot in Slots)
        {
            using var scope = NewDisposeScope();
            if (slot.Parameter.grad is not { } gradient) continue;
            var direction = slot.Decays && _weightDecay != 0 ? gradient.add(slot.Parameter, weightDecay) : gradient;
            if (_momentum != 0)
            {
                slot.Velocity.mul_(momentum).add_(direction);
                direction = _nesterov ? direction.add(slot.Velocity, momentum) : slot.Velocity;
            }

            slot.Parameter.add_(direction, rate);
            gradient.zero_();
        }
    }

    public void Dispose()
    {
        foreach (var slot in Slots) slot.Velocity.Dispose();
    }
}
