using static TorchSharp.torch;
using Torch = TorchSharp.Modules.AdamW;

namespace XSepConv.Training;

/// <summary>
/// TorchSharp's AdamW, with decay only where it belongs. Its moments can be reached (unlike its SGD's velocities before the first step), so
/// that they go into a checkpoint and come back bit for bit; its count of steps is the run's position.
/// </summary>
internal sealed class AdamW : ParameterOptimizer
{
    private const string FirstPrefix = SafeTensorsExtensions.TrainingPrefix + "adam/first/";
    private const string SecondPrefix = SafeTensorsExtensions.TrainingPrefix + "adam/second/";

    private readonly Torch _optimizer;
    private readonly List<(string Name, Torch.State State)> _states;
    private readonly double[] _factors;

    /// <summary>Takes hold of the parameters of a module that need a gradient, on their device.</summary>
    public AdamW(nn.Module module, double beta1, double beta2, double weightDecay, Func<string, double>? rateFactor = null)
        : base(module, rateFactor)
    {
        // TorchSharp lists states group by group.
        var groups = Slots.OrderByDescending(slot => slot.Decays).GroupBy(slot => (slot.Decays, slot.RateFactor)).ToList();
        _factors = [.. groups.Select(group => group.Key.RateFactor)];
        _optimizer = new Torch(
            [.. groups.Select(group => new Torch.ParamGroup(
                group.Select(slot => slot.Parameter), 1, beta1, beta2, weight_decay: group.Key.Decays ? weightDecay : 0))],
            beta1: beta1, beta2: beta2);
        _states = [.. groups.SelectMany(group => group).Select(slot => slot.Name).Zip(_optimizer.state_dict().State.Cast<Torch.State>())];
    }

    public override IEnumerable<(string Name, Tensor Tensor)> Memory =>
        _states.Select(entry => (FirstPrefix + entry.Name, entry.State.exp_avg)).Concat(
            _states.Select(entry => (SecondPrefix + entry.Name, entry.State.exp_avg_sq)));

    public override void Step(double learningRate)
    {
        using var scope = NewDisposeScope();
        foreach (var (group, factor) in _optimizer.ParamGroups.Zip(_factors)) group.LearningRate = learningRate * factor;
        _optimizer.step();
    }

    public override void ContinueAfter(long steps)
    {
        foreach (var (_, state) in _states) state.step = steps;
    }

    public override void Dispose() => _optimizer.Dispose();
}
