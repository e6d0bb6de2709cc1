using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// The XSepConv block: 1×1 expand → BN → act → XSepConv → squeeze-excite (if any) → act → 1×1 project → BN, plus the shortcut when the
/// stride is 1 (the input, or 1×1 convolution and BN of it where channels differ).
/// </summary>
/// <remarks>
/// <para>Source: arXiv 2002.12046, section 3, and the notes. XSepConv takes 4 + 2K multiply-accumulates a channel and pixel at stride 1
/// against K², fewer from K = 5; at stride 2 fewer from K = 7, so networks keep <see cref="DwBlock"/> where they down-sample with less
/// (see <see cref="XSepConv2d"/>).</para>
/// <para>State-dict keys: <c>conv1, bn1</c> (expand), <c>conv2, bn2</c> (2×2), <c>conv3, bn3</c> (1×K), <c>conv4, bn4</c> (K×1), <c>se</c>,
/// <c>conv5, bn5</c> (project), <c>shortcut</c>.</para>
/// </remarks>
public sealed class XSepBlock : nn.Module<Tensor, Tensor>, IBlock, IXSepOperator
{
    private readonly Conv2d conv1, conv2, conv3, conv4, conv5;
    private readonly BatchNorm2d bn1, bn2, bn3, bn4, bn5;
    private readonly SeModule? se;
    private readonly Sequential shortcut;
    private readonly BlockLayers _layers;
    private readonly ModuleNorms _norms;
    private readonly XSepStage _stage;
    private readonly WholeBlock _whole;

    /// <summary>Creates the block with torch's default initialisation.</summary>
    /// <param name="kernelSize">K, odd.</param>
    /// <param name="inChannels">Input channels.</param>
    /// <param name="expandChannels">E, channels of the expanded map, on which XSepConv runs.</param>
    /// <param name="outChannels">Output channels.</param>
    /// <param name="padding">Where the 2×2 pads; take it from a <see cref="PaddingPlan"/> over the whole network.</param>
    /// <param name="activation">The nonlinearity.</param>
    /// <param name="squeezeExcite">Whether there is squeeze-excite on the expanded map.</param>
    /// <param name="stride">1 or 2.</param>
    /// <param name="placement">Whether the expanded map is padded, or the input as in the notes' listing.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentException">A value is out of range; all problems are listed.</exception>
    public XSepBlock(
        int kernelSize, int inChannels, int expandChannels, int outChannels, PaddingDirection padding,
        Activation activation = Activation.HSwish, bool squeezeExcite = true, int stride = 1,
        PaddingPlacement placement = PaddingPlacement.AfterExpand, Device? device = null, ScalarType? dtype = null)
        : this(
            new BlockSpec(
                BlockKind.XSep, kernelSize, inChannels, expandChannels, outChannels, activation,
                squeezeExcite ? SqueezeExcite.Expanded : SqueezeExcite.None, stride),
            padding, placement, device, dtype)
    {
    }

    /// <summary>Creates the block of a table's row.</summary>
    /// <param name="block">A row of kind <see cref="BlockKind.XSep"/>.</param>
    /// <param name="padding">Where the 2×2 pads.</param>
    /// <param name="placement">Whether the expanded map is padded, or the input as in the notes' listing.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentException">The row is of another kind or out of range; all problems are listed.</exception>
    public XSepBlock(
        BlockSpec block, PaddingDirection padding, PaddingPlacement placement = PaddingPlacement.AfterExpand, Device? device = null,
        ScalarType? dtype = null)
        : base(LibtorchLoading.Before(nameof(XSepBlock)))
    {
        BlockArguments.RequireBlock(block, BlockKind.XSep);
        EnumValues.Require(padding);
        EnumValues.Require(placement);
        (Spec, Padding, Placement) = (block, padding, placement);
        _layers = BlockLayers.Of(block, padding, placement);
        (conv1, bn1) = LayerModules.Of(_layers.Expand!, device, dtype);
        (conv2, bn2) = LayerModules.Of(_layers.Spatial[0], device, dtype);
        (conv3, bn3) = LayerModules.Of(_layers.Spatial[1], device, dtype);
        (conv4, bn4) = LayerModules.Of(_layers.Spatial[2], device, dtype);
        (conv5, bn5) = LayerModules.Of(_layers.Project, device, dtype);
        if (_layers.SqueezeExcite is { } squeeze) se = new SeModule(squeeze, device, dtype);
        shortcut = LayerModules.Shortcut(_layers, device, dtype);
        _stage = new(conv2, bn2, conv3, bn3, conv4, bn4, padding, block.Activation) { Owner = this };
        _whole = new(block, _stage, (conv1, bn1), (conv5, bn5), se, shortcut, padding, placement);
        RegisterComponents();
        _norms = new(this, _layers.All);
    }

    /// <summary>The row this block was built from.</summary>
    public BlockSpec Spec { get; }

    BlockLayers IBlock.Layers => _layers;

    IEnumerable<nn.Module<Tensor, Tensor>> IBlock.Called =>
        [conv1, bn1, .. _stage.Layers, .. SeModule.Called(se), conv5, bn5, shortcut];

    /// <summary>Where the 2×2 pads.</summary>
    public PaddingDirection Padding { get; }

    /// <summary>How the XSepConv in it is computed; <see cref="XSepBackend.Auto"/> at first.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is unknown.</exception>
    public XSepBackend Backend
    {
        get => _stage.Backend;
        set => _stage.Backend = value;
    }

    Conv2d IXSepOperator.Conv2x2 => conv2;

    FusableStage IFusable.Stage => _stage;

    WholeBlock IBlock.Whole => _whole;

    /// <summary>Whether the expanded map is padded, or the input.</summary>
    public PaddingPlacement Placement { get; }

    /// <inheritdoc cref="DwBlock.forward"/>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = MapCheck.Require(x, Spec.In, conv1.weight, nameof(XSepBlock));
        _norms.RequireStatistics(x, nameof(XSepBlock));
        if (_whole.TryForward(x) is { } fused) return fused.MoveToOuterDisposeScope();
        var hooked = LayerHooks.Within(this);
        var padFirst = Placement == PaddingPlacement.BeforeExpand;
        var y = padFirst ? DirectionalPadding.Pad(x, Padding) : x;
        y = Spec.Activation.Apply(bn1.call(conv1.call(y)));
        y = _stage.Forward(y, padded: padFirst, activated: se is null);
        if (se is not null) y = Spec.Activation.Apply(se.call(y));
        y = bn5.call(conv5.call(y));
        if (_layers.Add is not null) y = y.Plus(shortcut.Call(x, hooked));
        return scope.Leave(y, hooked);
    }
}
