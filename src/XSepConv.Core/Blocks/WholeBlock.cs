using TorchSharp.Modules;
using XSepConv.Kernels;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A block that can run as one fused operator, or layer by layer with its spatial stage fused or not.</summary>
/// <remarks>Here alone is decided whether it does.</remarks>
internal sealed class WholeBlock
{
    private static readonly ConvGeometry s_pointwise = new((1, 1), (1, 1), (0, 0));

    private readonly BlockTrainingShape _shape;
    private readonly FusableStage _stage;
    private readonly PaddingDirection? _padding;
    private readonly SeModule? _squeeze;
    private readonly Sequential? _shortcut;
    private readonly (Conv2d Conv, BatchNorm2d? Norm)[] _layers;
    private readonly (ConvGeometry Geometry, long Groups)[] _geometries;
    private readonly nn.Module<Tensor, Tensor>[] _all;
    private readonly int _shortcutLayers;
    private readonly int _squeezeLayers;
    private readonly int _tensors;

    /// <param name="spec">The row.</param>
    /// <param name="stage">The spatial stage, which knows the user's choice.</param>
    /// <param name="expand">1×1, if any.</param>
    /// <param name="project">1×1.</param>
    /// <param name="squeeze">Squeeze-excite, if any.</param>
    /// <param name="shortcut">Null or without children where it is no convolution.</param>
    /// <param name="padding">Where the 2×2 of an XSepConv pads.</param>
    /// <param name="placement">On which map.</param>
    public WholeBlock(
        BlockSpec spec, FusableStage stage, (Conv2d Conv, BatchNorm2d Norm)? expand, (Conv2d Conv, BatchNorm2d Norm) project,
        SeModule? squeeze, Sequential? shortcut, PaddingDirection? padding = null, PaddingPlacement placement = default)
    {
        (_stage, _squeeze, _shortcut, _padding) = (stage, squeeze, shortcut, padding);
        (_shortcutLayers, _squeezeLayers) = (Count(shortcut), Count(squeeze?.Chain));
        var kind = BlockShape.Of(spec.Kind);
        _shape = new(0, spec.In, spec.Expand, spec.Out, 0, 0, spec.Kernel, spec.Stride, spec.Activation)
        {
            IsSeparated = kind.Kernels.Count > 1,
            Padding = padding,
            // Without an expansion the two are one map.
            Prepadded = padding is not null && placement == PaddingPlacement.BeforeExpand && expand is not null,
            SkipsExpansion = expand is null,
            Squeezed = spec.SqueezedChannels,
            SqueezesOutput = spec.SqueezeExcite == SqueezeExcite.Output,
            ActivatesBeforeSqueeze = kind.ActivatesBeforeSqueeze,
            HasPlainShortcut = kind.HasPlainShortcut,
        };
        IEnumerable<(Conv2d, BatchNorm2d?)> expanded = expand is { } one ? [one] : [];
        var spatial = stage.Layers.Chunk(2).Select(pair => ((Conv2d)pair[0], (BatchNorm2d?)pair[1]));
        var squeezed = Convolutions(squeeze?.Chain);
        _layers = _shape.SqueezesOutput
            ? [.. expanded, .. spatial, project, .. squeezed, .. Convolutions(shortcut)]
            : [.. expanded, .. spatial, .. squeezed, project, .. Convolutions(shortcut)];
        _tensors = 1 + _layers.Sum(layer => layer.Norm is null ? 2 : 3);
        var spatials = BlockLayers.Of(spec, padding, placement).Spatial;
        var index = 0;
        _geometries =
        [
            .. _layers.Select(layer => stage.Layers.Contains(layer.Conv)
                ? (Geometry(spatials[index++]), (long)spec.Expand) : (s_pointwise, 1)),
        ];
        nn.Module[] inSqueeze = squeeze is null ? [] : [squeeze, squeeze.Chain, .. squeeze.Chain.children()];
        var modules = _layers.SelectMany(layer => new nn.Module?[] { layer.Conv, layer.Norm }).Concat(inSqueeze).Append(shortcut);
        _all = [.. modules.OfType<nn.Module<Tensor, Tensor>>().Distinct()];
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
        var tensors = new Tensor[_tensors];
        var next = 0;
        tensors[next++] = x;
        foreach (var (conv, norm) in _layers)
        {
            tensors[next++] = conv.weight;
            if (norm is not null) tensors[next++] = norm.weight;
            tensors[next++] = (norm is null ? conv.bias : norm.bias)!;
        }

        var norms = Array.ConvertAll(_layers, layer => layer.Norm is { } norm ? new FusedNorm(norm) : null);
        return new FusedBlock(Shape(x), _padding, kernels, norms).Apply(tensors);
    }

    /// <summary>What a choice comes to on a map, hooks apart.</summary>
    public XSepBackend Resolve(XSepBackend chosen, Tensor x) =>
        chosen != XSepBackend.Composed && WhyNotFused(x) is null ? XSepBackend.Fused : XSepBackend.Composed;

    private static int Count(Sequential? chain) => (int)(chain?.Count ?? 0);

    // Each with the norm right behind it, if there is one.
    private static IEnumerable<(Conv2d Conv, BatchNorm2d? Norm)> Convolutions(Sequential? chain)
    {
        for (var i = 0; i < Count(chain); i++)
        {
            if (chain![i] is Conv2d conv) yield return (conv, i + 1 < chain.Count ? chain[i + 1] as BatchNorm2d : null);
        }
    }

    private static ConvGeometry Geometry(Layer layer)
    {
        var (height, width) = layer.Kernel;

        // The 2×2's map is padded before it.
        return new((height, width), layer.Stride, (height, width) == (2, 2) ? (0, 0) : (height / 2, width / 2));
    }

    private string? WhyNotFused(Tensor x)
    {
        var border = _shape.Prepadded ? 1 : 0;
        return FusedMemory.WhyNot(x, "the input", x.numel())
            ?? StageChecks.WhyNot(x.size(2) + border, x.size(3) + border, _shape.Kernel, _shape.Stride)
            ?? WhyNotLayers() ?? FusedMemory.WhyNot(BlockKernels.Of(KernelRegistry.Current).Sizes(Shape(x)));
    }

    private string? WhyNotLayers()
    {
        if (Count(_squeeze?.Chain) != _squeezeLayers) return "squeeze-excite is not as it was built";
        if (_squeeze?.Chain[0] is AdaptiveAvgPool2d { output_size: not [1, 1] }) return "squeeze-excite does not take the mean of a map";
        if (Count(_shortcut) != _shortcutLayers) return "the shortcut is not as it was built";
        for (var i = 0; i < _layers.Length; i++)
        {
            var (conv, norm) = _layers[i];
            var (geometry, groups) = _geometries[i];
            var weights = conv.out_channels * (conv.in_channels / groups) * geometry.Kernel.Height * geometry.Kernel.Width;
            var reason = FusedMemory.WhyNot(conv, geometry, groups, weights, biased: norm is null)
                ?? (norm is null ? null : FusedMemory.WhyNot(norm, conv.out_channels));
            if (reason is not null) return reason;
        }

        return null;
    }

    private BlockTrainingShape Shape(Tensor x) =>
        _shape with { Batch = (int)x.size(0), Height = (int)x.size(2), Width = (int)x.size(3) };
}
