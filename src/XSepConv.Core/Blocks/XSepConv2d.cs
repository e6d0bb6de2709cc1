using System.Collections.Immutable;
using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// The XSepConv operator alone, a drop-in for a K×K depthwise <c>Conv2d</c> and the <c>BatchNorm2d</c> after it:
/// one-sided padding → 2×2 → BN → act → 1×K → BN → act → K×1 → BN, all depthwise and without bias.
/// </summary>
/// <remarks>
/// <para>Source: arXiv 2002.12046, section 3. Weights (4 + 2K)·C against K²·C. At stride 1 it takes 4 + 2K multiply-accumulates an output
/// pixel against K², fewer from K = 5 (14 against 25). At stride 2 the 2×2 runs at full resolution and the 1×K at half width: 4 + K/2
/// + K/4 an input pixel against K²/4, fewer from K = 7.</para>
/// <para>State-dict keys: <c>conv1, bn1</c> (2×2), <c>conv2, bn2</c> (1×K), <c>conv3, bn3</c> (K×1).</para>
/// </remarks>
public sealed class XSepConv2d : nn.Module<Tensor, Tensor>, IXSepOperator, IFusable
{
    private readonly Conv2d conv1, conv2, conv3;
    private readonly BatchNorm2d bn1, bn2, bn3;
    private readonly XSepStage _stage;
    private readonly ModuleNorms _norms;

    /// <summary>Creates the operator with torch's default initialisation.</summary>
    /// <param name="channels">C, input and output channels.</param>
    /// <param name="kernelSize">K, odd.</param>
    /// <param name="stride">1 or 2.</param>
    /// <param name="padding">Where the 2×2 pads; take it from a <see cref="PaddingPlan"/> over the whole network.</param>
    /// <param name="activation">The nonlinearity after the first two convolutions.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// Channels are below 1, the kernel size is even or below 1, the stride is neither 1 nor 2, or an enum value is unknown.
    /// </exception>
    public XSepConv2d(
        int channels, int kernelSize, int stride = 1, PaddingDirection padding = PaddingDirection.RightBottom,
        Activation activation = Activation.HSwish, Device? device = null, ScalarType? dtype = null)
        : base(LibtorchLoading.Before(nameof(XSepConv2d)))
    {
        BlockArguments.RequireChannels(channels, nameof(channels));
        BlockArguments.RequireKernel(kernelSize, nameof(kernelSize));
        BlockArguments.RequireStride(stride, nameof(stride));
        EnumValues.Require(padding);
        EnumValues.Require(activation);
        (Channels, KernelSize, Stride, Padding, Activation) = (channels, kernelSize, stride, padding, activation);

        Layers = SpatialLayers.Of(BlockShape.Of(BlockKind.XSep), channels, kernelSize, stride, activation, null, padding: padding);
        (conv1, bn1) = LayerModules.Of(Layers[0], device, dtype);
        (conv2, bn2) = LayerModules.Of(Layers[1], device, dtype);
        (conv3, bn3) = LayerModules.Of(Layers[2], device, dtype);
        _stage = new(conv1, bn1, conv2, bn2, conv3, bn3, padding, activation) { Owner = this };
        RegisterComponents();
        _norms = new(this, Layers);
    }

    /// <summary>C, input and output channels.</summary>
    public int Channels { get; }

    /// <summary>K.</summary>
    public int KernelSize { get; }

    /// <summary>1 or 2.</summary>
    public int Stride { get; }

    /// <summary>Where the 2×2 pads.</summary>
    public PaddingDirection Padding { get; }

    /// <summary>The nonlinearity after the first two convolutions.</summary>
    public Activation Activation { get; }

    /// <summary>How it is computed; <see cref="XSepBackend.Auto"/> at first.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is unknown.</exception>
    public XSepBackend Backend
    {
        get => _stage.Backend;
        set => _stage.Backend = value;
    }

    Conv2d IXSepOperator.Conv2x2 => conv1;

    FusableStage IFusable.Stage => _stage;

    internal ImmutableArray<Layer> Layers { get; }

    /// <summary>Applies the operator.</summary>
    /// <param name="x">[N, C, H, W].</param>
    /// <returns>[N, C, ⌈H/stride⌉, ⌈W/stride⌉].</returns>
    /// <exception cref="ArgumentException">
    /// Shape, dtype or device do not fit, or a batch norm in training mode would see one value per channel.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The backend is <see cref="XSepBackend.Fused"/>, which can't run on this input; or the module was made within
    /// <c>inference_mode()</c>, and its batch norms are to count outside.
    /// </exception>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = MapCheck.Require(x, Channels, conv1.weight, nameof(XSepConv2d));
        _norms.RequireStatistics(x, nameof(XSepConv2d));
        var hooked = _stage.HasHooks;
        return scope.Leave(_stage.Forward(x, padded: false, activated: false), hooked);
    }

    /// <summary>The same for a map that has its row and column already, such as [N, C, H + 1, W + 1].</summary>
    internal Tensor ForwardPadded(Tensor x) => _stage.Forward(x, padded: true, activated: false);
}
