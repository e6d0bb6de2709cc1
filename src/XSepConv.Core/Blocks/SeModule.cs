using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// Squeeze-excite: x · hsigmoid(BN(1×1(ReLU(BN(1×1(average(x))))))), one weight a channel. From the notes; their 1×1 convolutions have no
/// bias but BN.
/// </summary>
/// <remarks>State-dict keys: <c>se.1</c> (C → C/reduction), <c>se.2</c> (BN), <c>se.4</c> (C/reduction → C), <c>se.5</c> (BN).</remarks>
public sealed class SeModule : nn.Module<Tensor, Tensor>
{
    private readonly Sequential se;
    private readonly ModuleNorms _norms;

    /// <summary>Creates the module with torch's default initialisation.</summary>
    /// <param name="channels">Channels of the map it scales.</param>
    /// <param name="reduction">By how much it narrows, rounded down; at most <paramref name="channels"/>.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">Channels or reduction are below 1, or reduction above channels.</exception>
    public SeModule(int channels, int reduction = 4, Device? device = null, ScalarType? dtype = null)
        : this(LayersOf(channels, reduction), device, dtype)
    {
    }

    // As a block has it, whose names begin with the block's.
    internal SeModule(SqueezeExciteLayers layers, Device? device, ScalarType? dtype) : base(LibtorchLoading.Before(nameof(SeModule)))
    {
        Layers = SqueezeExciteLayers.Of(layers.Gate.Out, layers.Squeeze.Out, biased: layers.Squeeze.Bias);
        nn.Module<Tensor, Tensor>[] chain =
        [
            nn.AdaptiveAvgPool2d(1), .. Convolution(layers.Squeeze), nn.ReLU(), .. Convolution(layers.Excite), new HSigmoid(),
        ];
        se = nn.Sequential(chain);
        RegisterComponents();
        _norms = new(this, Layers.All);

        IEnumerable<nn.Module<Tensor, Tensor>> Convolution(Layer layer)
        {
            yield return LayerModules.Convolution(layer, device, dtype);
            if (layer.Norm is not null) yield return BatchNorms.Of(layer.Out, device, dtype);
        }
    }

    internal SqueezeExciteLayers Layers { get; }

    /// <summary>What makes the weights.</summary>
    internal Sequential Chain => se;

    internal static IEnumerable<SeModule> Called(SeModule? squeeze) => squeeze is null ? [] : [squeeze];

    /// <summary>Scales every channel of a map by a weight in [0, 1].</summary>
    /// <param name="x">[N, C, H, W]; N ≥ 2 in training mode.</param>
    /// <returns>[N, C, H, W].</returns>
    /// <exception cref="ArgumentException">
    /// Shape, dtype or device do not fit, or a batch norm in training mode would see one value per channel.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The module was made within <c>inference_mode()</c>, and its batch norms are to count outside.
    /// </exception>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = MapCheck.Require(x, Layers.Gate.In, ((Conv2d)se[1]).weight, nameof(SeModule));
        _norms.RequireStatistics(x, nameof(SeModule));
        var hooked = LayerHooks.Within(this);
        return scope.Leave(x * se.Call(x, hooked), hooked);
    }

    private static SqueezeExciteLayers LayersOf(int channels, int reduction)
    {
        BlockArguments.RequireChannels(channels, nameof(channels));
        return reduction >= 1 && reduction <= channels
            ? SqueezeExciteLayers.Of(channels, channels / reduction)
            : throw new ArgumentOutOfRangeException(
                nameof(reduction), reduction, $"The reduction is between 1 and the {channels} channels.");
    }
}
