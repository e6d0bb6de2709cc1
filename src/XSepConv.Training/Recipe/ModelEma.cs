using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>
/// The exponential moving average of a network's weights, which is what is validated and kept as the best. The running statistics of batch
/// normalisation are averaged in the same way: each is the mean of what belonged to the weights that were averaged.
/// </summary>
internal sealed class ModelEma : IDisposable
{
    private const string Prefix = SafeTensorsExtensions.TrainingPrefix + "ema/";

    private readonly double _decay;
    private readonly MobileNet _source;
    private readonly List<(string Key, Tensor Average, Tensor Source)> _pairs, _moving, _still;
    private int _frozenStages;

    public ModelEma(MobileNet network, double decay)
    {
        (_source, _decay) = (network, decay);
        var weight = network.parameters().First();
        Network = new MobileNet(network.Spec, weight.device, weight.dtype);
        Network.eval();
        ModuleState.CopyNorms(network, Network);
        Dictionary<string, Tensor> averages = Network.state_dict(), sources = network.state_dict();
        using var noGrad = no_grad();
        foreach (var (key, source) in sources) averages[key].copy_(source);

        _pairs = [.. sources.Select(entry => (entry.Key, averages[entry.Key], entry.Value))];

        (_still, _moving) = ([.. _pairs], []);
        TakeThawed();
    }

    public MobileNet Network { get; }

    /// <summary>The average under the names of a checkpoint; changing these tensors changes it.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Memory => _pairs.Select(pair => (Prefix + pair.Key, pair.Average));

    /// <summary>
    /// How much of the average stays in a step: the decay, and (1 + t)/(10 + t) while that is less, so that the first weights are soon
    /// forgotten.
    /// </summary>
    /// <param name="decay">In (0, 1).</param>
    /// <param name="step">Steps before this one.</param>
    public static double DecayAt(double decay, long step) => Math.Min(decay, (1.0 + step) / (10.0 + step));

    /// <summary>average ← decay·average + (1 − decay)·weights; counters are the network's.</summary>
    /// <param name="step">Steps before the one that was just taken.</param>
    public void Add(long step)
    {
        if (_source.FrozenStages != _frozenStages || _still.Exists(pair => pair.Source.requires_grad)) TakeThawed();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var decay = DecayAt(_decay, step);
        using Scalar kept = decay, share = 1 - decay;
        foreach (var (_, average, source) in _moving)
        {
            if (average.is_floating_point()) average.mul_(kept).add_(source, share);
            else average.copy_(source);
        }
    }

    public void Dispose() => Network.Dispose();

    // What is frozen stays to the bit, which a mean of equal numbers may not. What has moved goes on: its average is not yet there.
    private void TakeThawed()
    {
        var thawed = _still.FindAll(pair => pair.Source.requires_grad || !_source.IsFrozen(pair.Key));
        _still.RemoveAll(thawed.Contains);
        _moving.AddRange(thawed);
        _frozenStages = _source.FrozenStages;
    }
}
