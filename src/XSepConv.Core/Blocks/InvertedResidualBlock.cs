using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// The inverted residual of MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) and the block of MobileNetV3 (Howard et al. 2019, arXiv
/// 1905.02244): 1×1 expand → BN → act → K×K depthwise → BN → act → squeeze-excite (if any) → 1×1 project → BN, plus the input where stride
/// 1 and equal channels let it be added. Where the expanded map has no more channels than the input there is no expansion.
/// </summary>
/// <remarks>
/// <para>Other than in a <see cref="DwBlock"/> squeeze-excite comes after the nonlinearity and its convolutions have biases and no BN, and
/// no convolution makes a shortcut fit.</para>
/// <para>State-dict keys: <c>conv1, bn1</c> (expand, may be missing), <c>conv2, bn2</c> (depthwise), <c>se</c>, <c>conv3, bn3</c>
/// (project).</para>
/// </remarks>
public sealed class InvertedResidualBlock : nn.Module<Tensor, Tensor>, IBlock
{
    private readonly Conv2d? conv1;
    private readonly BatchNorm2d? bn1;
    private readonly Conv2d conv2, conv3;
    private readonly BatchNorm2d bn2, bn3;
    private readonly SeModule? se;
    private readonly BlockLayers _layers;
    private readonly ModuleNorms _norms;
    private readonly DepthwiseStage _stage;
    private readonly WholeBlock _whole;

    /// <summary>Creates the block of a table's row, with torch's default initialisation.</summary>
    /// <param name="block">A row of kind <see cref="BlockKind.InvertedResidual"/>.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentException">The row is of another kind or out of range; all problems are listed.</exception>
    public InvertedResidualBlock(BlockSpec block, Device? device = null, ScalarType? dtype = null)
        : base(LibtorchLoading.Before(nameof(InvertedResidualBlock)))
    {
        BlockArguments.RequireBlock(block, BlockKind.InvertedResidual);
        Spec = block;
        _layers = BlockLayers.Of(block);
        if (_layers.Expand is { } expand) (conv1, bn1) = LayerModules.Of(expand, device, dtype);
        (conv2, bn2) = LayerModules.Of(_layers.Spatial[0], device, dtype);
        if (_layers.SqueezeExcite is { } squeeze) se = new SeModule(squeeze, device, dtype);
        (conv3, bn3) = LayerModules.Of(_layers.Project, device, dtype);
        _stage = new(conv2, bn2, block.Activation) { Owner = this };
        _whole = new(block, _stage, conv1 is null ? null : (conv1, bn1!), (conv3, bn3), se, shortcut: null);
        RegisterComponents();
        _norms = new(this, _layers.All);
    }

    /// <summary>The row this block was built from.</summary>
    public BlockSpec Spec { get; }

    /// <summary>
    /// How the K×K depthwise convolution, the BN and the nonlinearity after it are computed; <see cref="XSepBackend.Auto"/> at first.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is unknown.</exception>
    public XSepBackend Backend
    {
        get => _stage.Backend;
        set => _stage.Backend = value;
    }

    BlockLayers IBlock.Layers => _layers;

    IEnumerable<nn.Module<Tensor, Tensor>> IBlock.Called => conv1 is null
        ? [.. _stage.Layers, .. SeModule.Called(se), conv3, bn3]
        : [conv1, bn1!, .. _stage.Layers, .. SeModule.Called(se), conv3, bn3];

    FusableStage IFusable.Stage => _stage;

    WholeBlock IBlock.Whole => _whole;

    /// <summary>Runs the block.</summary>
    /// <param name="x">[N, In, H, W].</param>
    /// <returns>[N, Out, ⌈H/stride⌉, ⌈W/stride⌉].</returns>
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
        x = MapCheck.Require(x, Spec.In, conv2.weight, nameof(InvertedResidualBlock));
        _norms.RequireStatistics(x, nameof(InvertedResidualBlock));
        if (_whole.TryForward(x) is { } fused) return fused.MoveToOuterDisposeScope();
        var hooked = LayerHooks.Within(this);
        var y = conv1 is null ? x : Spec.Activation.Apply(bn1!.call(conv1.call(x)));
        y = _stage.Forward(y, activated: true);
        if (se is not null) y = se.call(y);
        y = bn3.call(conv3.call(y));
        if (_layers.Add is not null) y = y.Plus(x);
        return scope.Leave(y, hooked);
    }
}
