using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>What <see cref="NetworkConverter"/> makes.</summary>
/// <param name="Network">The new network, in the mode of the old one.</param>
/// <param name="Report">What was replaced, what stayed and why, parameters and MACs before and after.</param>
public sealed record ConvertedNetwork(MobileNet Network, ConversionReport Report);

/// <summary>
/// Makes a <see cref="MobileNet"/> with XSepConv of one without: rows of its table change their kind, so that the result is saved, loaded,
/// compiled and exported like any other. <see cref="XSepConverter"/> does it to networks of other modules.
/// </summary>
/// <remarks>
/// <para>A row of kind <see cref="BlockKind.InvertedResidual"/> becomes <see cref="BlockKind.XSepInvertedResidual"/>, one of kind
/// <see cref="BlockKind.Dw"/> becomes <see cref="BlockKind.XSep"/> unless it has squeeze-excite on its output. All other tensors are
/// copied; each layer's mode, <c>requires_grad</c> and <see cref="MobileNet.Freeze"/> are kept, the new layers' as those that they replace
/// have them. Inside XSepConv stands the row's own nonlinearity, and the padding is planned as <see cref="NetworkSpec.Paddings"/>
/// does.</para>
/// <para>Rows that have XSepConv already keep their padding, with which they were trained: where the plan would give one another, the rows
/// of its resolution stay as they are, and <see cref="ConversionReport.Left"/> says so.</para>
/// </remarks>
public static class NetworkConverter
{
    /// <summary>Converts a network; it stays as it is.</summary>
    /// <param name="network">On any device, of any floating-point type.</param>
    /// <param name="size">Height and width of the images, for the report's MACs.</param>
    /// <param name="options">
    /// From which kernel on, and how the new weights start; the defaults when null.
    /// <see cref="ConversionOptions.Activation"/> and <see cref="ConversionOptions.WithoutBatchNorm"/> are for other networks.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The size is below 1×1, an option is out of range or for other networks, or the network does not run on
    /// <see cref="ConversionOptions.Calibration"/>.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// There is nothing to replace (the message says why), the network is not as it was built, or a fit does not converge.
    /// </exception>
    /// <exception cref="OperationCanceledException"><see cref="ConversionOptions.CancellationToken"/> says so.</exception>
    public static ConvertedNetwork Convert(MobileNet network, (int Height, int Width) size, ConversionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        options ??= new();
        Check(size, options);
        ModuleState.RequireAlive(network);
        if (network.Evaluation.Change() is { } change)
        {
            throw new InvalidOperationException(
                $"The network can't be converted, since {change}: what is converted is the network of its {nameof(network.Spec)}. "
                + $"{nameof(XSepConverter)} takes any.");
        }

        var spec = network.Spec;
        var refusals = spec.Blocks.Select(row => Refusal(row, options)).ToArray();
        KeepPaddings(spec, refusals);
        LeftLayer[] left = [.. refusals.Select((reason, i) => (reason, i)).Where(entry => entry.reason is not null)
            .Select(entry => new LeftLayer($"bneck.{entry.i}.{NameOf(spec.Blocks[entry.i])}", entry.reason!))];
        if (left.Length == spec.Blocks.Length)
        {
            throw new InvalidOperationException(
                $"There is nothing to replace: {Listing.Of(left.Select(layer => $"{layer.Path}: {layer.Reason}"))}.");
        }

        var converted = Converted(spec, refusals);
        var weight = network.parameters().First();
        var result = new MobileNet(converted, weight.device, weight.dtype);
        try
        {
            var report = Fill(network, result, size, options, left);
            CopyModes(network, result);
            return new(result, report);
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    private static void Check((int Height, int Width) size, ConversionOptions options)
    {
        options.Validate();
        if (size.Height < 1 || size.Width < 1)
        {
            throw new ArgumentException($"The size is {size.Height}×{size.Width}; an image has at least 1×1 pixel.", nameof(size));
        }

        var usual = new ConversionOptions();
        if (options.Activation != usual.Activation || options.WithoutBatchNorm != usual.WithoutBatchNorm)
        {
            throw new ArgumentException(
                $"{nameof(options.Activation)} and {nameof(options.WithoutBatchNorm)} are for networks of other modules: a row has one "
                + "nonlinearity, and batch norms everywhere. Leave them out.",
                nameof(options));
        }
    }

    private static string? Refusal(BlockSpec row, ConversionOptions options)
    {
        if (row.Kind is not (BlockKind.InvertedResidual or BlockKind.Dw)) return $"the row is {row.Kind} already";
        var (least, option) = row.Stride == 1
            ? (options.MinKernel, nameof(options.MinKernel))
            : (options.MinKernelStride2, nameof(options.MinKernelStride2));
        if (row.Kernel < least) return $"its kernel is {row.Kernel}×{row.Kernel}, and {option} is {least}";
        return row.SqueezeExcite == SqueezeExcite.Output
            ? $"its squeeze-excite is on the output, where an {BlockKind.XSep} row has it on the expanded map"
            : null;
    }

    // A 2×2 that pads elsewhere than it was trained to is another function. The plan of a resolution goes by how many 2×2 there are, so the
    // rows of other resolutions can still be replaced.
    private static void KeepPaddings(NetworkSpec spec, string?[] refusals)
    {
        var (before, after, strides) = (spec.Paddings(), Converted(spec, refusals).Paddings(), spec.InputStrides());
        for (var i = 0; i < refusals.Length; i++)
        {
            if (before[i] is not { } padding || padding == after[i]) continue;
            var reason = $"with it bneck.{i} would pad {after[i]}; that is {spec.Blocks[i].Kind} already and keeps the padding it "
                + $"has, {padding}";
            for (var j = 0; j < refusals.Length; j++)
            {
                if (strides[j] == strides[i]) refusals[j] ??= reason;
            }
        }
    }

    private static NetworkSpec Converted(NetworkSpec spec, string?[] refusals) =>
        spec with { Blocks = [.. spec.Blocks.Select((row, i) => refusals[i] is null ? Replaced(row) : row)] };

    private static BlockSpec Replaced(BlockSpec row) => row with
    {
        Kind = row.Kind == BlockKind.Dw ? BlockKind.XSep : BlockKind.XSepInvertedResidual,
    };

    // The depthwise convolution, or the first of them.
    private static string NameOf(BlockSpec row) =>
        BlockLayers.Of(row, row.HasTwoByTwo ? PaddingDirection.RightBottom : null).Spatial[0].Name;

    private static ConversionReport Fill(
        MobileNet from, MobileNet to, (int Height, int Width) size, ConversionOptions options, LeftLayer[] left)
    {
        using var scope = NewDisposeScope();
        using var untouched = new RandomState();
        using var probing = new Probing(from);
        to.eval();
        var (modules, paddings) = (from.named_modules().ToDictionary(entry => entry.name, entry => entry.module), to.Spec.Paddings());
        CopyTensors(from, to);
        var replaced = new List<ReplacedLayer>();
        var profile = ModelProfile.Of(from.Spec, size.Height, size.Width);
        for (var i = 0; i < from.Spec.Blocks.Length; i++)
        {
            var (old, row) = (from.Spec.Blocks[i], to.Spec.Blocks[i]);
            if (old.Kind == row.Kind) continue;
            options.CancellationToken.ThrowIfCancellationRequested();
            var (name, norm) = ($"bneck.{i}.conv2", $"bneck.{i}.bn2");
            var strided = MapSize(size, to.Spec.InputStrides()[i]);
            var candidate = new DepthwiseCandidate(
                name, (Conv2d)modules[name], norm, (BatchNorm2d)modules[norm], [1, old.Expand, strided.Height, strided.Width],
                [1, old.Expand, DivideUp(strided.Height, old.Stride), DivideUp(strided.Width, old.Stride)]);
            var error = options.Initialise == KernelInitialisation.Fit
                ? Fit(from, to, $"bneck.{i}.", candidate, paddings[i]!.Value, options with { Activation = row.Activation })
                : (double?)null;
            replaced.Add(Replacement.Describe(candidate, paddings[i]!.Value, row.Activation, error));
        }

        var after = ModelProfile.Of(to.Spec, size.Height, size.Width);
        return new(
            [1, from.Spec.InputChannels, size.Height, size.Width], replaced, left, profile.Parameters, after.Parameters, profile.Macs,
            after.Macs, NotCounted: null);
    }

    private static (long Height, long Width) MapSize((int Height, int Width) image, int stride) =>
        (DivideUp(image.Height, stride), DivideUp(image.Width, stride));

    private static long DivideUp(long size, int stride) => (size + stride - 1) / stride;

    // XSepConv is three convolutions where there was one: what came after it is two numbers further on.
    private static string KeyOf(string key, NetworkSpec from, NetworkSpec to)
    {
        if (PathInReplaced(key, from, to) is not [_, _, "conv3" or "bn3", ..] path) return key;
        path[2] = $"{path[2][..^1]}5";
        return string.Join('.', path);
    }

    private static bool IsReplaced(string key, NetworkSpec from, NetworkSpec to) =>
        PathInReplaced(key, from, to) is [_, _, "conv2" or "bn2", ..];

    /// <summary>The parts of a key in a row that becomes another kind's; null for all others.</summary>
    private static string[]? PathInReplaced(string key, NetworkSpec from, NetworkSpec to)
    {
        var path = key.Split('.');
        if (path[0] != "bneck") return null;
        var i = int.Parse(path[1], System.Globalization.CultureInfo.InvariantCulture);
        return from.Blocks[i].Kind == to.Blocks[i].Kind ? null : path;
    }

    private static void CopyTensors(MobileNet from, MobileNet to)
    {
        var state = to.state_dict();
        foreach (var (key, tensor) in from.state_dict())
        {
            if (!IsReplaced(key, from.Spec, to.Spec)) state[KeyOf(key, from.Spec, to.Spec)].copy_(tensor);
        }

        foreach (var (module, now) in Successors(from, to))
        {
            if (ModuleState.NormOf(module) is { } norm) ModuleState.SetNorm(now, norm.Epsilon, norm.Momentum);
        }
    }

    private static void CopyModes(MobileNet from, MobileNet to)
    {
        to.train(from.training);
        to.Freeze(from.FrozenStages);
        foreach (var (module, now) in Successors(from, to))
        {
            now.train(module.training);
            var then = module.named_parameters(recurse: false).ToDictionary(entry => entry.name, entry => entry.parameter.requires_grad);
            foreach (var (name, parameter) in now.named_parameters(recurse: false)) parameter.requires_grad = then[name];
        }
    }

    // Each layer without children, with what stands in its place: of a depthwise convolution, or its norm, three.
    private static IEnumerable<(nn.Module Old, nn.Module New)> Successors(MobileNet from, MobileNet to)
    {
        var modules = to.named_modules().ToDictionary(entry => entry.name, entry => entry.module);
        return from.named_modules().Where(entry => !entry.module.children().Any()).SelectMany(entry =>
        {
            string[] paths = IsReplaced(entry.name, from.Spec, to.Spec)
                ? [entry.name, $"{entry.name[..^1]}3", $"{entry.name[..^1]}4"]
                : [KeyOf(entry.name, from.Spec, to.Spec)];
            return paths.Select(path => (entry.module, modules[path]));
        });
    }

    private static double Fit(
        MobileNet from, MobileNet to, string block, DepthwiseCandidate candidate, PaddingDirection padding, ConversionOptions options)
    {
        var weight = candidate.Convolution.weight;
        using var module = new XSepConv2d(
            candidate.Channels, candidate.KernelSize, candidate.Stride, padding, options.Activation, weight.device, weight.dtype);
        module.eval();
        var old = candidate.BatchNorm!;
        foreach (var norm in module.children().OfType<BatchNorm2d>()) (norm.eps, norm.momentum) = (old.eps, old.momentum);
        var error = OperatorFit.Run(from, candidate, module, options, PaddedExpansion(from, block, options.Activation));
        var state = to.state_dict();
        foreach (var (key, tensor) in module.state_dict())
        {
            // conv1 of the operator is conv2 of the block.
            var dot = key.IndexOf('.', StringComparison.Ordinal);
            state[$"{block}{key[..(dot - 1)]}{key[dot - 1] - '0' + 1}{key[dot..]}"].copy_(tensor);
        }

        return error;
    }

    // What makes other values of the zeros around a block's input, and mixes channels that are padded on different sides.
    private static (Conv2d Convolution, BatchNorm2d Norm, Activation Activation)? PaddedExpansion(
        MobileNet network, string block, Activation activation)
    {
        if (network.Spec.PaddingPlacement != PaddingPlacement.BeforeExpand) return null;
        var modules = network.named_modules().ToDictionary(entry => entry.name, entry => entry.module);
        return modules.TryGetValue($"{block}conv1", out var convolution)
            ? ((Conv2d)convolution, (BatchNorm2d)modules[$"{block}bn1"], activation)
            : null;
    }
}
