using System.Collections.Immutable;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A map that <see cref="MobileNet.Features"/> gives.</summary>
/// <param name="Channels">C of [N, C, H, W].</param>
/// <param name="Reduction">How many input pixels one of its pixels spans.</param>
/// <param name="Module">What gives it: <c>conv1</c>, <c>bneck.3</c> or <c>conv2</c>, after norm and nonlinearity.</param>
public sealed record FeatureInfo(int Channels, int Reduction, string Module);

public partial class MobileNet
{
    private nn.Module[] _frozen = [];

    /// <summary>As <see cref="Freeze"/> was told.</summary>
    internal int FrozenStages { get; private set; }

    /// <summary>
    /// The last map at each reduction, from the largest, as timm's <c>features_only</c> has them: the last 1×1 convolution belongs to them
    /// where a hidden layer follows (MobileNetV3), and to the head where none does (MobileNetV2).
    /// </summary>
    public IReadOnlyList<FeatureInfo> FeatureInfo => NetworkStages.Maps(Spec);

    /// <summary>
    /// The maps at several reductions, for a detector or a segmenter; the linear layers are not run. Compiled where <see cref="forward"/>
    /// would be.
    /// </summary>
    /// <param name="x">[N, C, H, W], as <see cref="forward"/> takes it.</param>
    /// <param name="outIndices">Which of <see cref="FeatureInfo"/>, from 0; all where none is given.</param>
    /// <returns>[N, channels, ⌈H/reduction⌉, ⌈W/reduction⌉] each, in the order of <see cref="FeatureInfo"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such map.</exception>
    /// <exception cref="ArgumentException">
    /// Shape, dtype or device do not fit, or a batch norm in training mode would see one value per channel.
    /// </exception>
    public IReadOnlyList<Tensor> Features(Tensor x, params int[] outIndices)
    {
        ArgumentNullException.ThrowIfNull(outIndices);
        var all = FeatureInfo;
        foreach (var index in outIndices)
        {
            if (index < 0 || index >= all.Count)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(outIndices), index, $"The maps go from 0 to {all.Count - 1}; negative numbers do not count from the end.");
            }
        }

        ImmutableArray<int> wanted =
        [
            .. (outIndices.Length == 0 ? all : all.Where((_, i) => outIndices.Contains(i)))
                .Select(info => NetworkStages.Part(Spec, info.Module)),
        ];
        using var scope = NewDisposeScope();
        x = MapCheck.Require(x, Spec.InputChannels, conv1.weight, GetType().Name);
        if (_evaluation.TryFeatures(x, _layers, wanted) is { } compiled) return [.. compiled.Select(map => map.MoveToOuterDisposeScope())];
        _norms.RequireStatistics(x, GetType().Name, last: _layers.Part(wanted[^1]));
        var hooked = LayerHooks.Within(this);
        var maps = new List<Tensor>();
        for (var part = 0; maps.Count < wanted.Length; part++)
        {
            x = part == 0 ? _stem.Forward(x) : part == _layers.Parts - 1 ? Last(Appended(x)) : bneck[part - 1].call(x);
            if (wanted.Contains(part)) maps.Add(x.MoveToOuterDisposeScope());
        }

        if (hooked) scope.LeaveAll();
        return maps;

        // What a user has put behind the blocks of the table.
        Tensor Appended(Tensor map) =>
            Enumerable.Range(Spec.Blocks.Length, bneck.Count - Spec.Blocks.Length).Aggregate(map, (x, i) => bneck[i].call(x));
    }

    /// <summary>The last map: stem, blocks and the last 1×1 convolution. Compiled where <see cref="forward"/> would be.</summary>
    /// <param name="x">[N, C, H, W], as <see cref="forward"/> takes it.</param>
    /// <returns>[N, <see cref="NetworkSpec.LastChannels"/>, H', W'].</returns>
    /// <inheritdoc cref="forward" path="/exception"/>
    public Tensor ForwardFeatures(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = MapCheck.Require(x, Spec.InputChannels, conv1.weight, GetType().Name);
        if (_evaluation.TryFeatures(x, _layers, [_layers.Parts - 1]) is [var compiled]) return compiled.MoveToOuterDisposeScope();
        _norms.RequireStatistics(x, GetType().Name, last: _layers.Last);
        var hooked = LayerHooks.Within(this);
        return scope.Leave(Last(bneck.Call(_stem.Forward(x), hooked)), hooked);
    }

    /// <summary>What follows the last map: its means, the hidden layer and the classifier, where the network has them.</summary>
    /// <param name="x">[N, <see cref="NetworkSpec.LastChannels"/>, H, W].</param>
    /// <param name="preLogits">Whether to stop before the classifier, with its features.</param>
    /// <returns>[N, classes], or [N, <see cref="NetworkSpec.NumFeatures"/>].</returns>
    /// <inheritdoc cref="forward" path="/exception"/>
    public Tensor ForwardHead(Tensor x, bool preLogits = false)
    {
        using var scope = NewDisposeScope();
        x = MapCheck.Require(x, Spec.LastChannels, (linear3 ?? linear4)?.weight ?? conv1.weight, $"the head of {GetType().Name}");
        _norms.RequireStatistics(x, GetType().Name, first: _layers.Pool);
        var hooked = LayerHooks.Within(this);
        x = Pooled(x);
        return scope.Leave(preLogits ? x : Logits(x), hooked);
    }

    /// <summary>
    /// Gives the network a new classifier, initialised as in the notes; the rest stays. The old one is disposed: make the optimizer
    /// afterwards.
    /// </summary>
    /// <param name="numClasses">How many classes there are; 0 for none, so that the network gives features.</param>
    /// <exception cref="ArgumentException">The number is out of range.</exception>
    public void ResetClassifier(int numClasses)
    {
        var spec = (Spec with { NumClasses = numClasses }).Validate();
        var (weight, old) = (conv1.weight, linear4);
        var made = numClasses == 0 ? null : nn.Linear(spec.NumFeatures, numClasses, device: weight.device, dtype: weight.dtype);
        if (made is not null)
        {
            using var noGrad = no_grad();
            nn.init.normal_(made.weight, std: 0.001);
            nn.init.zeros_(made.bias!);
            made.train(training);
        }

        if (old is not null) register_module(nameof(linear4), null!);
        if (made is not null) register_module(nameof(linear4), made);
        (linear4, Spec) = (made, spec);
        _evaluation.Release();
        _evaluation = new(this, _evaluation);
        old?.Dispose();
    }

    /// <summary>
    /// Freezes the first stages: their parameters need no gradient and lose the one they have, so that no optimizer moves them, and their
    /// batch norms stay in evaluation mode, whatever <c>train()</c> says. What an earlier call froze is thawed first; nothing else is
    /// touched.
    /// </summary>
    /// <param name="stages">
    /// How many of <see cref="FeatureInfo"/>'s reductions: 1 is the stem and the blocks up to the first map, 0 freezes none. All of
    /// them leave the head and, without a hidden layer, the last convolution.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many stages.</exception>
    public void Freeze(int stages)
    {
        var paths = NetworkStages.Parts(Spec, stages);
        nn.Module[] parts = [.. named_modules().Where(at => paths.Contains(at.name)).Select(at => at.module)];
        foreach (var part in _frozen)
        {
            part.train(training);
            foreach (var parameter in part.parameters()) parameter.requires_grad = true;
        }

        foreach (var part in parts)
        {
            part.train(false);
            foreach (var parameter in part.parameters())
            {
                // A gradient that is there, were it zero, would have an optimizer go on with its momentum and its decay of weights.
                parameter.requires_grad = false;
                parameter.grad = null;
            }
        }

        (_frozen, FrozenStages) = (parts, stages);
    }

    /// <inheritdoc/>
    public override void train(bool on = true)
    {
        base.train(on);
        foreach (var part in _frozen) part.train(false);
    }

    /// <summary>Whether a state-dict key is of a frozen stage.</summary>
    internal bool IsFrozen(string key) =>
        NetworkStages.Parts(Spec, FrozenStages).Any(part => key.StartsWith($"{part}.", StringComparison.Ordinal));
}
