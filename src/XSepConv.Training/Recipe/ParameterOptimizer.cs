using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>What moves a network's parameters; all it remembers goes into a checkpoint and comes back bit for bit.</summary>
internal abstract class ParameterOptimizer : IDisposable
{
    private readonly List<Slot> _slots = [], _frozen;

    protected ParameterOptimizer(nn.Module module, Func<string, double>? rateFactor)
    {
        _frozen =
        [
            .. module.named_parameters().Select(
                named => new Slot(named.name, named.parameter, Decays(named.parameter), rateFactor?.Invoke(named.name) ?? 1)),
        ];
        TakeThawed();
    }

    /// <summary>
    /// All parameters that need a gradient, in the module's order, then those thawed since: frozen ones are neither moved nor remembered.
    /// </summary>
    public IReadOnlyList<Slot> Slots => _slots;

    /// <summary>What is remembered, under the names of a checkpoint; changing these tensors changes it.</summary>
    public abstract IEnumerable<(string Name, Tensor Tensor)> Memory { get; }

    public static ParameterOptimizer Of(TrainingRecipe recipe, nn.Module module, IReadOnlyList<LayerLearningRate> rates)
    {
        return recipe.Optimizer switch
        {
            OptimizerKind.Sgd => new Sgd(module, recipe.Momentum, recipe.WeightDecay, recipe.Nesterov, Factor),
            OptimizerKind.AdamW => new AdamW(module, recipe.AdamBeta1, recipe.AdamBeta2, recipe.WeightDecay, Factor),
            var unknown => throw new ArgumentOutOfRangeException(nameof(recipe), unknown, "Known are Sgd and AdamW."),
        };

        double Factor(string parameter) => LayerLearningRate.FactorOf(parameter, rates, recipe.LearningRate);
    }

    /// <summary>Weights of convolutions and linear layers have two dimensions or more; biases and batch normalisation have one.</summary>
    public static bool Decays(Tensor parameter) => parameter.dim() > 1;

    /// <summary>Takes hold of those, too, that need a gradient now and did not. What gradient they have is set to 0.</summary>
    public void TakeThawed()
    {
        var thawed = _frozen.FindAll(slot => slot.Parameter.requires_grad);
        if (thawed.Count == 0) return;
        _frozen.RemoveAll(slot => thawed.Contains(slot));
        _slots.AddRange(thawed);
        using var scope = NewDisposeScope();
        Gradients.Clear([.. thawed.Select(slot => slot.Parameter.grad).OfType<Tensor>()]);
    }

    /// <param name="learningRate">That of layers without one of their own; theirs are as many times as large as at the peak.</param>
    public abstract void Step(double learningRate);

    /// <summary>So many steps were done before: what is remembered comes from them.</summary>
    public virtual void ContinueAfter(long steps)
    {
    }

    public abstract void Dispose();

    internal sealed record Slot(string Name, Parameter Parameter, bool Decays, double RateFactor);
}
