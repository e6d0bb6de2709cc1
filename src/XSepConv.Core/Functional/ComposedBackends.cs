using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Has modules run composed while it is in scope: fused, layers can't be watched one by one.</summary>
internal sealed class ComposedBackends : IDisposable
{
    private readonly List<(FusableStage Stage, XSepBackend Backend)> _chosen;

    public ComposedBackends(IEnumerable<nn.Module> modules)
    {
        _chosen = [.. modules.OfType<IFusable>().Select(fusable => fusable.Stage).Distinct().Select(stage => (stage, stage.Backend))];
        _chosen.ForEach(entry => entry.Stage.Backend = XSepBackend.Composed);
    }

    /// <summary>The stages, and what the user chose for each.</summary>
    public IReadOnlyList<(FusableStage Stage, XSepBackend Backend)> Chosen => _chosen;

    public void Dispose() => _chosen.ForEach(entry => entry.Stage.Backend = entry.Backend);
}
