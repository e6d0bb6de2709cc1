using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// An <see cref="InvertedResidualBlock"/> with XSepConv for its K×K: 1×1 expand → BN → act → XSepConv → act → squeeze-excite (if any) →
/// 1×1 project → BN, plus the input where stride 1 and equal channels let it be added. Without an expansion where that would not change
/// the number of channels.
/// </summary>
/// <remarks>
/// State-dict keys: <c>conv1, bn1</c> (expand, may be missing), <c>conv2, bn2</c> (2×2), <c>conv3, bn3</c> (1×K), <c>conv4, bn4</c> (K×1),
/// <c>se</c>, <c>conv5, bn5</c> (project).
/// </remarks>
public sealed class XSepInvertedResidualBlock : nn.Module<Tensor, Tensor>, IBlock, IXSepOperator
{
    private readonly Conv2d? conv1;
    private readonly BatchNorm2d? bn1;
    private readonly Conv2d conv2, conv3, conv4, conv5;
    private readonly BatchNorm2d bn2, bn3, bn4, bn5;
    private readonly SeModule? se;
    private readonly BlockLayers _layers;
    private readonly ModuleNorms _norms;
    private readonly XSepStage _stage;
    private readonly WholeBlock _whole;

    /// <summary>Creates the block of a table's row, with torch's default initialisation.</summary>
    /// <param name="block">A row of kind <see cref="BlockKind.XSepInvertedResidual"/>.</param>
    /// <param name="padding">Where the 2×2 pads; take it from a <see cref="PaddingPlan"/> over the whole network.</param>
    /// <param name="placement">Whether the expanded map is padded, or the input.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentException">The row is of another kind or out of range; all problems are listed.</exception>
    public XSepInvertedResidualBlock(
        BlockSpec block, PaddingDirection padding, PaddingPlacement placement = PaddingPlacement.AfterExpand, Device? device = null,
        ScalarType? dtype = null)
        : base(LibtorchLoading.Before(nameof(XSepInvertedResidualBlock)))
    {
        BlockArguments.RequireBlock(block, BlockKind.XSepInvertedResidual);
        EnumValues.Require(padding);
        EnumValues.Require(placement);
        (Spec, Padding, Placement) = (block, padding, placement);
        _layers = BlockLayers.Of(block, padding, placement);
        if (_layers.Expand is { } expand) (conv1, bn1) = LayerModules.Of(expand, device, dtype);
        (conv2, bn2) = LayerModules.Of(_layers.Spatial[0], device, dtype);
        (conv3, bn3) = LayerModules.Of(_layers.Spatial[1], device, dtype);
        (conv4, bn4) = LayerModules.Of(_layers.Spatial[2], device, dtype);
        if (_layers.SqueezeExcite is { } squeeze) se = new SeModule(squeeze, device, dtype);
        (conv5, bn5) = LayerModules.Of(_layers.Project, device, dtype);
        _stage = new(conv2, bn2, conv3, bn3, conv4, bn4, padding, block.Activation) { Owner = this };
        _whole = new(
            block, _stage, conv1 is null ? null : (conv1, bn1!), (conv5, bn5), se, shortcut: null, padding, placement);
        RegisterComponents();
        _norms = new(this, _layers.All);
    }

    /// <summary>The row this block was built from.</summary>
    public BlockSpec Spec { get; }

    /// <summary>Where the 2×2 pads.</summary>
    public PaddingDirection Padding { get; }

    /// <summary>Whether the expanded map is padded, or the input.</summary>
    public PaddingPlacement Placement { get; }

    /// <summary>How the XSepConv in it is computed; <see cref="XSepBackend.Auto"/> at first.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is unknown.</exception>
    public XSepBackend Backend
    {
        get => _stage.Backend;
        set => _stage.Backend = value;
    }

    BlockLayers IBlock.Layers => _layers;

    IEnumerable<nn.Module<Tensor, Tensor>> IBlock.Called => conv1 is null
        ? [.. _stage.Layers, .. SeModule.Called(se), conv5, bn5]
        : [conv1, bn1!, .. _stage.Layers, .. SeModule.Called(se), conv5, bn5];

    Conv2d IXSepOperator.Conv2x2 => conv2;

    FusableStage IFusable.Stage => _stage;

    WholeBlock IBlock.Whole => _whole;

    /// <inheritdoc cref="InvertedResidualBlock.forward"/>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = MapCheck.Require(x, Spec.In, conv2.weight, nameof(XSepInvertedResidualBlock));
        _norms.RequireStatistics(x, nameof(XSepInvertedResidualBlock));
        if (_whole.TryForward(x) is { } fused) return fused.MoveToOuterDisposeScope();
        var hooked = LayerHooks.Within(this);
        var padFirst = Placement == PaddingPlacement.BeforeExpand;
        var y = padFirst ? DirectionalPadding.Pad(x, Padding) : x;
        if (conv1 is not null) y = Spec.Activation.Apply(bn1!.call(conv1.call(y)));
        y = _stage.Forward(y, padded: padFirst, activated: true);
        if (se is not null) y = se.call(y);
        y = bn5.call(conv5.call(y));
        if (_layers.Add is not null) y = y.Plus(x);
        return scope.Leave(y, hooked);
    }
}
