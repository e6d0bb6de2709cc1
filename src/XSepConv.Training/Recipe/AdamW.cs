using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>AdamW with Torch's semantics. Its count of steps is the run's position.</summary>
internal sealed class AdamW : ParameterOptimizer
{
    private const string FirstPrefix = SafeTensorsExtensions.TrainingPrefix + "adam/first/";
    private const string SecondPrefix = SafeTensorsExtensions.TrainingPrefix + "adam/second/";

    private readonly double _weightDecay;
    private readonly double _beta1, _beta2;
    private readonly List<AdamMoments> _moments = [];

    /// <summary>Takes hold of the parameters of a module that need a gradient, on their device.</summary>
    public AdamW(nn.Module module, double beta1, double beta2, double weightDecay, Func<string, double>? rateFactor = null)
        : base(module, rateFactor)
    {
        (_beta1, _beta2, _weightDecay) = (beta1, beta2, weightDecay);
        Remember();
    }

    public override IEnumerable<(string Name, Tensor Tensor)> Memory =>
        Slots.Zip(_moments, (slot, moments) => (FirstPrefix + slot.Name, moments.First)).Concat(
            Slots.Zip(_moments, (slot, moments) => (SecondPrefix + slot.Name, moments.Second)));

    public override void Step(double learningRate)
    {
        Remember();
        foreach (var (slot, moments) in Slots.Zip(_moments))
        {
            moments.Step(learningRate * slot.RateFactor, slot.Decays ? _weightDecay : 0);
        }
    }

    public override void ContinueAfter(long steps)
    {
        foreach (var moments in _moments) moments.Steps = steps;
    }

    public override void Dispose()
    {
        foreach (var moments in _moments) moments.Dispose();
    }

    private void Remember() =>
        _moments.AddRange(Slots.Skip(_moments.Count).Select(slot => new AdamMoments(slot.Parameter, _beta1, _beta2)));
}
