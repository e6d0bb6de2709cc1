using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Has modules run composed while it is in scope: fused, layers can't be watched one by one.</summary>
internal sealed class ComposedBackends : IDisposable
{
    private readonly List<(FusableStage Stage, XSepBackend Backend)> _chosen;
    private readonly HashSet<FusableStage> _hooked;

    public ComposedBackends(IEnumerable<nn.Module> modules)
    {
        _chosen = [.. modules.SelectMany(FusableStage.Of).Distinct().Select(stage => (stage, stage.Backend))];
        _hooked = [.. _chosen.Select(entry => entry.Stage).Where(stage => stage.HasHooks)];
        _chosen.ForEach(entry => entry.Stage.Backend = XSepBackend.Composed);
    }

    /// <summary>The stages, and what the user chose for each: composed where layers have hooks, those registered since apart.</summary>
    public IEnumerable<(FusableStage Stage, XSepBackend Backend)> Chosen =>
        _chosen.Select(entry => (entry.Stage, _hooked.Contains(entry.Stage) ? XSepBackend.Composed : entry.Backend));

    public void Dispose() => _chosen.ForEach(entry => entry.Stage.Backend = entry.Backend);
}
