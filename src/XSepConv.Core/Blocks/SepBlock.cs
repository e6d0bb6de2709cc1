using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// An <see cref="XSepBlock"/> without the 2×2: 1×1 expand → BN → act → 1×K → BN → act → K×1 → BN → squeeze-excite (if any) → act → 1×1
/// project → BN, plus the shortcut when the stride is 1. It is there to be compared with: what is the 2×2 worth? (arXiv 2002.12046)
/// </summary>
/// <remarks>
/// <para>State-dict keys: <c>conv1, bn1</c> (expand), <c>conv2, bn2</c> (1×K), <c>conv3, bn3</c> (K×1), <c>se</c>, <c>conv4, bn4</c>
/// (project), <c>shortcut</c>.</para>
/// </remarks>
public sealed class SepBlock : nn.Module<Tensor, Tensor>, IBlock
{
    private readonly Conv2d conv1, conv2, conv3, conv4;
    private readonly BatchNorm2d bn1, bn2, bn3, bn4;
    private readonly SeModule? se;
    private readonly Sequential shortcut;
    private readonly BlockLayers _layers;
    private readonly ModuleNorms _norms;
    private readonly SepStage _stage;
    private readonly WholeBlock _whole;

    /// <summary>Creates the block of a table's row, with torch's default initialisation.</summary>
    /// <param name="block">A row of kind <see cref="BlockKind.Sep"/>.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentException">The row is of another kind or out of range; all problems are listed.</exception>
    public SepBlock(BlockSpec block, Device? device = null, ScalarType? dtype = null) : base(LibtorchLoading.Before(nameof(SepBlock)))
    {
        BlockArguments.RequireBlock(block, BlockKind.Sep);
        Spec = block;
        _layers = BlockLayers.Of(block);
        (conv1, bn1) = LayerModules.Of(_layers.Expand!, device, dtype);
        (conv2, bn2) = LayerModules.Of(_layers.Spatial[0], device, dtype);
        (conv3, bn3) = LayerModules.Of(_layers.Spatial[1], device, dtype);
        (conv4, bn4) = LayerModules.Of(_layers.Project, device, dtype);
        if (_layers.SqueezeExcite is { } squeeze) se = new SeModule(squeeze, device, dtype);
        shortcut = LayerModules.Shortcut(_layers, device, dtype);
        _stage = new(conv2, bn2, conv3, bn3, block.Activation) { Owner = this };
        _whole = new(block, _stage, (conv1, bn1), (conv4, bn4), se, shortcut);
        RegisterComponents();
        _norms = new(this, _layers.All);
    }

    /// <summary>The row this block was built from.</summary>
    public BlockSpec Spec { get; }

    BlockLayers IBlock.Layers => _layers;

    IEnumerable<nn.Module<Tensor, Tensor>> IBlock.Called =>
        [conv1, bn1, .. _stage.Layers, .. SeModule.Called(se), conv4, bn4, shortcut];

    /// <summary>How the block is computed; <see cref="XSepBackend.Auto"/> at first.</summary>
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
        x = MapCheck.Require(x, Spec.In, conv1.weight, nameof(SepBlock));
        _norms.RequireStatistics(x, nameof(SepBlock));
        if (_whole.TryForward(x) is { } fused) return fused.MoveToOuterDisposeScope();
        var hooked = LayerHooks.Within(this);
        var y = _stage.Forward(Spec.Activation.Apply(bn1.call(conv1.call(x))));
        if (se is not null) y = se.call(y);
        y = bn4.call(conv4.call(Spec.Activation.Apply(y)));
        if (_layers.Add is not null) y = y.Plus(shortcut.Call(x, hooked));
        return scope.Leave(y, hooked);
    }
}
