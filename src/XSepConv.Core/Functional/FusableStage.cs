using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A chain of layers that can run as one fused operator or as stock ones.</summary>
internal abstract class FusableStage(params nn.Module<Tensor, Tensor>[] layers)
{
    private XSepBackend _backend;

    /// <summary>What the user chose.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is unknown.</exception>
    public XSepBackend Backend
    {
        get => _backend;
        set
        {
            EnumValues.Require(value);
            _backend = value;
        }
    }

    /// <summary>The layers that run, or are stood in for.</summary>
    public IReadOnlyList<nn.Module<Tensor, Tensor>> Layers => layers;

    /// <summary>The module that the layers are fields of: it knows their names.</summary>
    public nn.Module? Owner { private get; init; }

    /// <summary>Whether a layer has hooks, which only run where the layer does.</summary>
    public bool HasHooks => !LayerHooks.CanTell || Array.Exists(layers, LayerHooks.Any);

    /// <summary>The stages of a module's own.</summary>
    public static IEnumerable<FusableStage> Of(nn.Module module) =>
        module is IFusable fusable ? [fusable.Stage] : module is IFusableEnds fused ? fused.Ends : [];

    /// <summary>Whether the stage runs fused on this input.</summary>
    /// <exception cref="InvalidOperationException">
    /// <see cref="XSepBackend.Fused"/> is asked for and can't run; the message says why.
    /// </exception>
    public bool RunsFused(Tensor x)
    {
        // Of no images there is nothing to compute: the layers give an empty map.
        if (_backend == XSepBackend.Composed || x.size(0) == 0) return false;
        var reason = WhyHooked() ?? WhyNotFused(x);
        if (reason is not null && _backend == XSepBackend.Fused)
        {
            throw new InvalidOperationException($"The backend is Fused, but {reason}. Set it to Auto or Composed.");
        }

        return reason is null;
    }

    /// <summary>What a choice comes to on a map of the stage, hooks apart.</summary>
    public XSepBackend Resolve(XSepBackend chosen, Tensor x) =>
        chosen != XSepBackend.Composed && WhyNotFused(x) is null ? XSepBackend.Fused : XSepBackend.Composed;

    /// <summary>Says why the kernels can't run, or null where they can.</summary>
    protected abstract string? WhyNotFused(Tensor x);

    private string? WhyHooked()
    {
        if (!HasHooks) return null;
        if (!LayerHooks.CanTell) return "this version of TorchSharp does not let it be seen whether layers have hooks, which would not run";
        var names = Owner?.named_children().ToDictionary(child => child.module, child => child.name) ?? [];
        var hooked = layers.Where(LayerHooks.Any).Select(layer => names.TryGetValue(layer, out var name) ? name : layer.GetName());
        return $"{string.Join(", ", hooked)} would not run one by one, and has hooks";
    }
}

/// <summary>A module with such a chain.</summary>
internal interface IFusable
{
    FusableStage Stage { get; }
}

/// <summary>A module with stages that follow its backend without being counted: what is around a network's blocks.</summary>
internal interface IFusableEnds
{
    IReadOnlyList<FusableStage> Ends { get; }
}
