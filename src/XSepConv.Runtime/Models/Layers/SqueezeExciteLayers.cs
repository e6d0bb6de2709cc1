namespace XSepConv.Layers;

/// <summary>Squeeze-excite as layers: mean → 1×1 → ReLU → 1×1 → the gate.</summary>
internal sealed record SqueezeExciteLayers(Layer Pool, Layer Squeeze, Layer Excite, Layer Gate)
{
    public IReadOnlyList<Layer> All => [Pool, Squeeze, Excite, Gate];

    /// <param name="prefix">Of the state-dict keys: empty, or ending in a dot.</param>
    /// <param name="from">The layer that gives the map; null where it is not known.</param>
    /// <param name="biased">Whether the 1×1 have biases, and no batch norms.</param>
    public static SqueezeExciteLayers Of(
        int channels, int squeezed, string prefix = "", Layer? from = null, Activation? activation = null, bool biased = false)
    {
        // The children of a Sequential are numbered, batch norms and nonlinearities too.
        var number = 1;
        string Next() => $"{prefix}se.{number++}";
        var pool = new Layer { Kind = LayerKind.Pool, Name = $"{prefix}se.0", From = from, In = channels, Out = channels };
        var squeeze = new Layer
        {
            Kind = LayerKind.Convolution,
            Name = Next(),
            Norm = biased ? null : Next(),
            Bias = biased,
            From = pool,
            In = channels,
            Out = squeezed,
            Activation = Activation.ReLU,
            ActivationName = Next(),
        };
        var excite = new Layer
        {
            Kind = LayerKind.Convolution,
            Name = Next(),
            Norm = biased ? null : Next(),
            Bias = biased,
            From = squeeze,
            In = squeezed,
            Out = channels,
            ActivationName = Next(),
        };
        var gate = new Layer
        {
            Kind = LayerKind.Gate,
            Name = $"{prefix}scale",
            From = from,
            With = excite,
            In = channels,
            Out = channels,
            Activation = activation,
            ActivationName = from?.ActivationName ?? "",
        };
        return new(pool, squeeze, excite, gate);
    }
}
