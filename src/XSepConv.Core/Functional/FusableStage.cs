using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A chain of layers that can run as one fused operator or as stock ones.</summary>
internal abstract class FusableStage
{
    private XSepBackend _backend;

    /// <summary>What the user chose.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is unknown.</exception>
    public XSepBackend Backend
    {
        get => _backend;
        set
        {
            if (!Enum.IsDefined(value)) throw new ArgumentOutOfRangeException(nameof(value), value, "A backend is Auto, Composed or Fused.");
            _backend = value;
        }
    }

    /// <summary>The layers that run, or are stood in for.</summary>
    public abstract IReadOnlyList<nn.Module> Layers { get; }

    /// <summary>Whether the stage runs fused on this input.</summary>
    /// <exception cref="InvalidOperationException"><see cref="XSepBackend.Fused"/> is asked for and can't run; the message says why.</exception>
    public bool RunsFused(Tensor x)
    {
        if (_backend == XSepBackend.Composed) return false;
        var reason = WhyNotFused(x);
        if (reason is not null && _backend == XSepBackend.Fused)
        {
            throw new InvalidOperationException($"The backend is Fused, but {reason}. Set it to Auto or Composed.");
        }

        return reason is null;
    }

    /// <summary>What a choice comes to on a map of the stage.</summary>
    public XSepBackend Resolve(XSepBackend chosen, Tensor x) =>
        chosen != XSepBackend.Composed && WhyNotFused(x) is null ? XSepBackend.Fused : XSepBackend.Composed;

    /// <summary>Says why the kernels can't run, or null where they can.</summary>
    protected abstract string? WhyNotFused(Tensor x);
}

/// <summary>A module with such a chain.</summary>
internal interface IFusable
{
    FusableStage Stage { get; }
}
