using TorchSharp.Modules;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A block that can run as one fused operator, or layer by layer with its spatial stage fused or not.</summary>
/// <remarks>Here alone is decided whether it does.</remarks>
internal sealed class WholeBlock
{
    private static readonly ConvGeometry s_pointwise = new((1, 1), (1, 1), (0, 0));

    private readonly BlockSpec _spec;
    private readonly FusableStage _stage;
    private readonly PaddingDirection? _padding;
    private readonly SeModule? _squeeze;
    private readonly Sequential _shortcut;
    private readonly (Conv2d Conv, BatchNorm2d Norm)[] _layers;
    private readonly (ConvGeometry Geometry, long Groups)[] _geometries;
    private readonly nn.Module<Tensor, Tensor>[] _all;
    private readonly int _shortcutLayers;
    private readonly string? _never;

    /// <param name="spec">The row.</param>
    /// <param name="stage">The spatial stage, which knows the user's choice.</param>
    /// <param name="expand">1×1.</param>
    /// <param name="project">1×1.</param>
    /// <param name="squeeze">Squeeze-excite, if any.</param>
    /// <param name="shortcut">Without children where it is no convolution.</param>
    /// <param name="padding">Where the 2×2 of an XSepConv pads.</param>
    /// <param name="placement">On which map.</param>
    public WholeBlock(
        BlockSpec spec, FusableStage stage, (Conv2d Conv, BatchNorm2d Norm) expand, (Conv2d Conv, BatchNorm2d Norm) project,
        SeModule? squeeze, Sequential shortcut, PaddingDirection? padding = null, PaddingPlacement placement = default)
    {
        (_spec, _stage, _squeeze, _shortcut, _padding) = (spec, stage, squeeze, shortcut, padding);
        _shortcutLayers = (int)shortcut.Count;
        var spatial = stage.Layers.Chunk(2).Select(pair => ((Conv2d)pair[0], (BatchNorm2d)pair[1]));
        IEnumerable<(Conv2d, BatchNorm2d)> squeezed = squeeze is null ? [] : Pairs(squeeze.Chain, 1, 4);
        IEnumerable<(Conv2d, BatchNorm2d)> added = shortcut.Count > 0 ? Pairs(shortcut, 0) : [];
        _layers = spec.SqueezeExcite == SqueezeExcite.Output
            ? [expand, .. spatial, project, .. squeezed, .. added]
            : [expand, .. spatial, .. squeezed, project, .. added];
        var index = 0;
        _geometries =
        [
            .. _layers.Select(layer => stage.Layers.Contains(layer.Conv) ? (Spatial(index++), (long)spec.Expand) : (s_pointwise, 1)),
        ];
        nn.Module[] inSqueeze = squeeze is null ? [] : [squeeze, squeeze.Chain, .. squeeze.Chain.children()];
        var modules = _layers.SelectMany(layer => new nn.Module[] { layer.Conv, layer.Norm }).Concat(inSqueeze).Append(shortcut);
        _all = [.. modules.Distinct().Cast<nn.Module<Tensor, Tensor>>()];
        _never = placement == PaddingPlacement.BeforeExpand ? "its input is padded"
            : padding == PaddingDirection.Symmetric ? "its channels are padded in four ways" : null;
    }

    /// <summary>The layers that an operator for all of them stands in for.</summary>
    public IReadOnlyList<nn.Module<Tensor, Tensor>> Layers => _all;

    /// <summary>Whether a layer has hooks, which only run where the layer does.</summary>
    public bool HasHooks => !LayerHooks.CanTell || Array.Exists(_all, LayerHooks.Any);

    /// <summary>Runs it as one operator.</summary>
    /// <param name="x">[N, In, H, W], checked.</param>
    /// <returns>[N, Out, ⌈H/stride⌉, ⌈W/stride⌉]; null where that can't be, and the layers are to run.</returns>
    public Tensor? TryForward(Tensor x)
    {
        if (_stage.Backend == XSepBackend.Composed || x.size(0) == 0 || WhyNotFused(x) is not null || HasHooks) return null;
        return Forward(x, BlockKernels.Of(KernelRegistry.Current));
    }

    /// <summary>Runs it as one operator, in some width.</summary>
    public Tensor Forward(Tensor x, BlockKernels kernels)
    {
        var tensors = new Tensor[1 + (3 * _layers.Length)];
        tensors[0] = x;
        for (var i = 0; i < _layers.Length; i++)
        {
            var (conv, norm) = _layers[i];
            (tensors[(3 * i) + 1], tensors[(3 * i) + 2], tensors[(3 * i) + 3]) = (conv.weight, norm.weight, norm.bias!);
        }

        return new FusedBlock(Shape(x), kernels, Array.ConvertAll(_layers, layer => new FusedNorm(layer.Norm))).Apply(tensors);
    }

    /// <summary>What a choice comes to on a map, hooks apart.</summary>
    public XSepBackend Resolve(XSepBackend chosen, Tensor x) =>
        chosen != XSepBackend.Composed && WhyNotFused(x) is null ? XSepBackend.Fused : XSepBackend.Composed;

    private static IEnumerable<(Conv2d Conv, BatchNorm2d Norm)> Pairs(Sequential chain, params int[] indices) =>
        indices.Where(i => chain[i + 1] is BatchNorm2d).Select(i => ((Conv2d)chain[i], (BatchNorm2d)chain[i + 1]));

    private string? WhyNotFused(Tensor x)
    {
        var training = _layers[0].Norm.training;
        return _never ?? FusedMemory.WhyNot(x, "the input", x.numel())
            ?? StageChecks.WhyNot(x.size(2), x.size(3), _spec.Kernel, _spec.Stride)
            ?? WhyNotLayers(training) ?? FusedMemory.WhyNot(BlockKernels.Of(KernelRegistry.Current).Sizes(Shape(x)));
    }

    private string? WhyNotLayers(bool training)
    {
        if (_squeeze is not null && _squeeze.Chain.Count != 7) return "squeeze-excite is not as it was built";
        if (_shortcut.Count != _shortcutLayers) return "the shortcut is not as it was built";
        for (var i = 0; i < _layers.Length; i++)
        {
            var (conv, norm) = _layers[i];
            var (geometry, groups) = _geometries[i];
            var weights = norm.num_features * (conv.in_channels / groups) * geometry.Kernel.Height * geometry.Kernel.Width;
            var reason = FusedMemory.WhyNot(conv, geometry, groups, weights) ?? FusedMemory.WhyNot(norm, training, norm.num_features);
            if (reason is not null) return reason;
        }

        return null;
    }

    private ConvGeometry Spatial(int index)
    {
        var (k, s, half) = (_spec.Kernel, _spec.Stride, _spec.Kernel / 2);
        return _padding is null ? new((k, k), (s, s), (half, half)) : index switch
        {
            0 => new((2, 2), (1, 1), (0, 0)),
            1 => new((1, k), (1, s), (0, half)),
            _ => new((k, 1), (s, 1), (half, 0)),
        };
    }

    private BlockTrainingShape Shape(Tensor x) => new(
        (int)x.size(0), _spec.In, _spec.Expand, _spec.Out, (int)x.size(2), (int)x.size(3), _spec.Kernel, _spec.Stride, _spec.Activation)
    {
        Padding = _padding,
        Squeezed = _squeeze is null ? 0 : _spec.SqueezedChannels,
        SqueezesOutput = _spec.SqueezeExcite == SqueezeExcite.Output,
        Frozen = !_layers[0].Norm.training,
    };
}

/// <summary>A module that is such a block.</summary>
internal interface IWholeBlock
{
    WholeBlock Whole { get; }
}
