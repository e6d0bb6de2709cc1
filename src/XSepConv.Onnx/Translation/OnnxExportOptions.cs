using XSepConv.Onnx;

namespace XSepConv;

/// <summary>What becomes of batch norm in an ONNX file.</summary>
public enum OnnxBatchNorm
{
    /// <summary>It is folded into the weights before it, in double precision: fewer nodes, the same function.</summary>
    Folded,

    /// <summary>It stays a <c>BatchNormalization</c> node, and the convolutions keep the weights of the checkpoint.</summary>
    Kept,
}

/// <summary>In which range the pixels come that an ONNX file normalises itself.</summary>
public enum PixelRange
{
    /// <summary>0 to 255, as bytes converted to float32.</summary>
    ZeroTo255,

    /// <summary>0 to 1.</summary>
    ZeroToOne,
}

/// <summary>
/// The normalisation that a network was trained with: (pixel − mean) / standard deviation by channel, of pixels from 0 to 1.
/// </summary>
/// <param name="Mean">By channel, in units of 0 to 1.</param>
/// <param name="Std">By channel, above 0.</param>
/// <param name="Pixels">The range in which the file's input comes.</param>
public sealed record OnnxNormalization(IReadOnlyList<double> Mean, IReadOnlyList<double> Std, PixelRange Pixels = PixelRange.ZeroTo255);

/// <summary>What can be chosen about an ONNX file.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>Whether batch norm is folded into the weights.</summary>
    public OnnxBatchNorm BatchNorm { get; init; }

    /// <summary>
    /// The version of ONNX's operators, 11 to 17. Old runtimes need a low one: below 14 hswish is written as <c>x · HardSigmoid(x)</c>, as
    /// there is no <c>HardSwish</c>. The version of the file format is the one that ONNX released with it.
    /// </summary>
    public int Opset { get; init; } = OnnxVersions.HardSwishOpset;

    /// <summary>
    /// The one size of image that the file takes, in pixels; null for any size. Refused where the module takes features; one that flattens
    /// images needs <see cref="Channels"/> too.
    /// </summary>
    /// <remarks>With a size, OpenCV takes one image at a time (docs/interop.md).</remarks>
    public (int Height, int Width)? Size { get; init; }

    /// <summary>
    /// How many channels the images have; needed only where the module does not say it, such as one with a <c>forward</c> of its own whose
    /// first part takes something else.
    /// </summary>
    public int? Channels { get; init; }

    /// <summary>
    /// How to export modules of classes that are not known, and can't implement <see cref="IOnnxExportable"/>, by class. They come before
    /// what is known, also inside blocks and networks.
    /// </summary>
    public IReadOnlyDictionary<Type, OnnxTranslator> Translators { get; init; } = new Dictionary<Type, OnnxTranslator>();

    /// <summary>Baked in in front of the network when given; then the file takes pixels instead of normalised images.</summary>
    public OnnxNormalization? Normalization { get; init; }

    /// <summary>The names of the classes in the order of the logits, or none.</summary>
    public IReadOnlyList<string> ClassNames { get; init; } = [];

    /// <summary>More entries for the file's metadata, such as what it was trained on.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}
