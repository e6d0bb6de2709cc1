using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// The depthwise block: 1×1 expand → BN → act → K×K depthwise → BN → act → 1×1 project → BN → squeeze-excite (if any), plus the shortcut
/// when the stride is 1 (the input, or 1×1 convolution and BN of it where channels differ).
/// </summary>
/// <remarks>
/// <para>From the notes. With <see cref="SqueezeExcite.Expanded"/> squeeze-excite stands before the second activation instead, where an
/// <see cref="XSepBlock"/> has it: such a block is the depthwise twin of that one.</para>
/// <para>State-dict keys: <c>conv1, bn1</c> (expand), <c>conv2, bn2</c> (depthwise), <c>conv3, bn3</c> (project), <c>se</c>,
/// <c>shortcut</c>.</para>
/// </remarks>
public sealed class DwBlock : nn.Module<Tensor, Tensor>, IBlock
{
    private readonly Conv2d conv1, conv2, conv3;
    private readonly BatchNorm2d bn1, bn2, bn3;
    private readonly SeModule? se;
    private readonly Sequential shortcut;
    private readonly BlockLayers _layers;
    private readonly ModuleNorms _norms;
    private readonly DepthwiseStage _stage;
    private readonly WholeBlock _whole;

    /// <summary>Creates the block with torch's default initialisation.</summary>
    /// <param name="kernelSize">K, odd.</param>
    /// <param name="inChannels">Input channels.</param>
    /// <param name="expandChannels">Channels of the expanded map.</param>
    /// <param name="outChannels">Output channels.</param>
    /// <param name="activation">The nonlinearity.</param>
    /// <param name="squeezeExcite">Whether there is squeeze-excite, and where.</param>
    /// <param name="stride">1 or 2.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentException">A value is out of range; all problems are listed.</exception>
    public DwBlock(
        int kernelSize, int inChannels, int expandChannels, int outChannels, Activation activation = Activation.HSwish,
        SqueezeExcite squeezeExcite = SqueezeExcite.Output, int stride = 1, Device? device = null, ScalarType? dtype = null)
        : this(
            new BlockSpec(BlockKind.Dw, kernelSize, inChannels, expandChannels, outChannels, activation, squeezeExcite, stride),
            device, dtype)
    {
    }

    /// <summary>Creates the block of a table's row.</summary>
    /// <param name="block">A row of kind <see cref="BlockKind.Dw"/>.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentException">The row is of another kind or out of range; all problems are listed.</exception>
    public DwBlock(BlockSpec block, Device? device = null, ScalarType? dtype = null) : base(LibtorchLoading.Before(nameof(DwBlock)))
    {
        BlockArguments.RequireBlock(block, BlockKind.Dw);
        Spec = block;
        _layers = BlockLayers.Of(block);
        (conv1, bn1) = LayerModules.Of(_layers.Expand!, device, dtype);
        (conv2, bn2) = LayerModules.Of(_layers.Spatial[0], device, dtype);
        (conv3, bn3) = LayerModules.Of(_layers.Project, device, dtype);
        if (_layers.SqueezeExcite is { } squeeze) se = new SeModule(squeeze, device, dtype);
        shortcut = LayerModules.Shortcut(_layers, device, dtype);
        _stage = new(conv2, bn2, block.Activation) { Owner = this };
        _whole = new(block, _stage, (conv1, bn1), (conv3, bn3), se, shortcut);
        RegisterComponents();
        _norms = new(this, _layers.All);
    }

    /// <summary>The row this block was built from.</summary>
    public BlockSpec Spec { get; }

    BlockLayers IBlock.Layers => _layers;

    IEnumerable<nn.Module<Tensor, Tensor>> IBlock.Called => Spec.SqueezeExcite == SqueezeExcite.Output
        ? [conv1, bn1, .. _stage.Layers, conv3, bn3, .. SeModule.Called(se), shortcut]
        : [conv1, bn1, .. _stage.Layers, .. SeModule.Called(se), conv3, bn3, shortcut];

    /// <summary>
    /// How the K×K depthwise convolution, the BN and the nonlinearity after it are computed; <see cref="XSepBackend.Auto"/> at first.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is unknown.</exception>
    public XSepBackend Backend
    {
        get => _stage.Backend;
        set => _stage.Backend = value;
    }

    FusableStage IFusable.Stage => _stage;

    WholeBlock IBlock.Whole => _whole;

    /// <summary>Runs the block.</summary>
    /// <param name="x">[N, In, H, W]; N ≥ 2 in training mode with squeeze-excite.</param>
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
        x = MapCheck.Require(x, Spec.In, conv1.weight, nameof(DwBlock));
        _norms.RequireStatistics(x, nameof(DwBlock));
        if (_whole.TryForward(x) is { } fused) return fused.MoveToOuterDisposeScope();
        var hooked = LayerHooks.Within(this);
        var y = Spec.Activation.Apply(bn1.call(conv1.call(x)));
        var squeezed = Spec.SqueezeExcite == SqueezeExcite.Expanded;
        y = _stage.Forward(y, activated: !squeezed);
        if (squeezed) y = Spec.Activation.Apply(se!.call(y));
        y = bn3.call(conv3.call(y));
        if (Spec.SqueezeExcite == SqueezeExcite.Output) y = se!.call(y);
        if (_layers.Add is not null) y = y.Plus(shortcut.Call(x, hooked));
        return scope.Leave(y, hooked);
    }
}
