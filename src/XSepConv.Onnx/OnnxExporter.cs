using Google.Protobuf;
using XSepConv.Onnx;
using XSepConv.OnnxFormat;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Writes networks and blocks as ONNX files, which ONNX Runtime and many others run without Torch.</summary>
/// <remarks>
/// <para>The file computes what the module computes in eval mode, in float32; batch size and, unless
/// <see cref="OnnxExportOptions.Size"/> is given, height and width stay open. A network's input is <c>images</c> [N, C, H, W] and its
/// output <c>logits</c> [N, classes], or without a classifier <c>features</c>; those of any other module are <c>input</c> and
/// <c>output</c>.</para>
/// <para>One-sided padding is the <c>pads</c> attribute of the convolution, hswish and hsigmoid are <c>HardSwish</c> and
/// <c>HardSigmoid</c>. <see cref="PaddingDirection.Symmetric"/>, which pads channels on different sides, is part of the kernel: the 2×2
/// becomes a 3×3 with a row and a column of zeros (or, with <see cref="PaddingPlacement.BeforeExpand"/>, the 1×1 a 2×2).</para>
/// <para>The same module and options give the same bytes. Forward hooks are no part of the file.</para>
/// </remarks>
public static class OnnxExporter
{
    /// <summary>The version of ONNX's operators by default: the first with <c>HardSwish</c>.</summary>
    public const int OpsetVersion = OnnxVersions.HardSwishOpset;

    /// <summary>
    /// The oldest version of ONNX's operators that can be written: the first in which those used have their present inputs, such as the
    /// bounds of <c>Clip</c>.
    /// </summary>
    public const int OldestOpsetVersion = 11;

    /// <summary>The newest version of ONNX's operators that can be written.</summary>
    public const int NewestOpsetVersion = 17;

    /// <summary>The metadata entry with the names of the classes, a JSON array.</summary>
    public const string ClassesMetadataKey = OnnxMetadata.ClassesKey;

    /// <summary>The metadata entry with the normalisation that is baked in, as JSON.</summary>
    public const string NormalizationMetadataKey = OnnxMetadata.NormalizationKey;

    /// <summary>Writes a module to a file.</summary>
    /// <param name="module">
    /// A network or block of this library, a stock layer of TorchSharp, a <c>Sequential</c> of them, a network or block of TorchVision's
    /// (MobileNetV2 and V3, ResNet, VGG, AlexNet), or a module that says how: <see cref="IOnnxExportable"/>,
    /// <see cref="OnnxExportOptions.Translators"/>. On any device, of any floating-point type; it is left as it is.
    /// </param>
    /// <param name="path">The file; replaced as a whole or not at all.</param>
    /// <param name="options">Batch norm, size, normalisation, metadata.</param>
    /// <exception cref="NotSupportedException">
    /// A module in it can't be exported (it is named with its type and path, and what can be is listed), or the weights take more than 2
    /// GB.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// An option does not fit the module, modules do not fit each other, a weight is not finite or a variance negative.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The module, or a module or tensor in it, is disposed.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Export(nn.Module<Tensor, Tensor> module, string path, OnnxExportOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var model = Build(module, options ?? new());
        AtomicFile.Write(path, stream => model.WriteTo(stream));
    }

    /// <summary>Writes a module to a stream.</summary>
    /// <param name="module">As for a file.</param>
    /// <param name="destination">Where the ONNX file goes.</param>
    /// <param name="options">Batch norm, size, normalisation, metadata.</param>
    /// <inheritdoc cref="Export(nn.Module{Tensor, Tensor}, string, OnnxExportOptions?)" path="/exception"/>
    public static void Export(nn.Module<Tensor, Tensor> module, Stream destination, OnnxExportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(destination);
        Build(module, options ?? new()).WriteTo(destination);
    }

    private static ModelProto Build(nn.Module<Tensor, Tensor> module, OnnxExportOptions options)
    {
        ArgumentNullException.ThrowIfNull(module);
        InitializerLimit.Require(module.state_dict().Values.Sum(tensor => tensor.numel() * sizeof(float)));
        if (FiniteWeights.Problem(module) is { } problem)
        {
            throw new ArgumentException($"The module {TypeName.Of(module.GetType())} can't be exported: {problem}.", nameof(module));
        }

        if (!Enum.IsDefined(options.BatchNorm))
        {
            throw new ArgumentException($"BatchNorm is {options.BatchNorm}; it is Folded or Kept.", nameof(options));
        }

        if (options.Opset is < OldestOpsetVersion or > NewestOpsetVersion)
        {
            throw new ArgumentException(
                $"Opset is {options.Opset}; {OldestOpsetVersion} to {NewestOpsetVersion} can be written.", nameof(options));
        }

        var exportable = new ExportableModules(options.Translators);
        exportable.Require(new(module, ""));
        var network = module as MobileNet;

        // Of a network that was changed it would describe another one.
        var spec = ModuleState.Description(module);
        var name = spec?.Name ?? module.GetName();
        var graph = new GraphBuilder(options.Opset, options.BatchNorm == OnnxBatchNorm.Folded);
        var translator = new ModuleTranslator(graph, exportable);
        var input = Input(module, translator, options).Named(graph.Unique(network is null ? "input" : "images"));
        var outputName = graph.Unique(OutputName(network));
        var x = options.Normalization is { } normalization ? NormalizationNodes.Add(graph, input, normalization) : input;
        var output = translator.Translate(x, new(module, ""));

        var proto = graph.Finish(name, input, output, outputName);
        proto.Input[0].DocString = InputDescription(input, options.Normalization);
        proto.Output[0].DocString = $"float32 {output}";
        var model = new ModelProto
        {
            IrVersion = OnnxVersions.IrVersion(options.Opset),
            ProducerName = "XSepConv for .NET",
            ProducerVersion = typeof(OnnxExporter).Assembly.GetName().Version!.ToString(3),
            DocString = $"{name}: {input} → {output}. XSepConv: arXiv 2002.12046.",
            Graph = proto,
        };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = options.Opset });
        model.MetadataProps.AddRange(OnnxMetadata.Entries(spec, output, options));
        return model;
    }

    private static string OutputName(MobileNet? network) => network switch
    {
        null => "output",
        { Spec.NumClasses: 0 } => "features",
        _ => "logits",
    };

    private static OnnxTensor Input(nn.Module<Tensor, Tensor> module, ModuleTranslator translator, OnnxExportOptions options)
    {
        if (options.Size is { Height: < 1 } or { Width: < 1 })
        {
            throw new ArgumentException(
                $"The size is {options.Size.Value.Height}×{options.Size.Value.Width}; an image has at least 1×1 pixel.",
                nameof(options));
        }

        if (options.Channels < 1) throw new ArgumentException($"Channels is {options.Channels}; an image has at least 1.", nameof(options));
        var (height, width) = options.Size is { } size
            ? (Extent.Fixed(size.Height), Extent.Fixed(size.Width))
            : (Extent.Open("H"), Extent.Open("W"));
        if (options.Channels is { } channels) return OnnxTensor.Map(channels, height, width);
        var input = translator.InputOf(new(module, ""), height, width);
        if (options.Size is { } given && input is { IsMap: false })
        {
            throw new ArgumentException(
                $"Size is {given.Height}×{given.Width}, which is for images; the module takes {input}. Leave it out, or say "
                + $"{nameof(OnnxExportOptions.Channels)} too where the module flattens images.",
                nameof(options));
        }

        return input ?? throw new NotSupportedException(
            $"The module itself, a {TypeName.Of(module.GetType())}, does not say how many channels it takes; a network, a block, "
            + $"or a Sequential with a convolution, linear layer or batch norm does. Or say it in "
            + $"{nameof(OnnxExportOptions)}.{nameof(OnnxExportOptions.Channels)}.");
    }

    private static string InputDescription(OnnxTensor input, OnnxNormalization? normalization) => normalization?.Pixels switch
    {
        PixelRange.ZeroTo255 => $"float32 {input}, pixels from 0 to 255",
        PixelRange.ZeroToOne => $"float32 {input}, pixels from 0 to 1",
        _ => input.IsMap ? $"float32 {input}, normalised as in training" : $"float32 {input}",
    };
}
