namespace XSepConv;

/// <summary>
/// MobileNetV3-Large (Howard et al. 2019, arXiv 1905.02244, table 1) with XSepConv, and its depthwise twin. The paper on XSepConv has no
/// such network; this one follows its rule that a larger kernel gains more: XSepConv stands in the four rows of stride 1 with a 5×5 kernel,
/// two at 28×28 and two at 7×7 of a 224×224 image.
/// </summary>
public static class MobileNetV3LargeSpec
{
    /// <summary>The name of <see cref="XSep"/>.</summary>
    public const string XSepName = "xsep-mobilenet-v3-large";

    /// <summary>The name of <see cref="Twin"/>.</summary>
    public const string TwinName = "mobilenet-v3-large-twin";

    private static MobileNetV3Layout Table => new(MobileNetV3LargeTable.Rows, LastChannels: 960);

    /// <summary>
    /// The network with XSepConv. With 1000 classes 4,936,268 parameters, and 217,907,488 multiply-accumulates for 1×3×224×224.
    /// </summary>
    /// <exception cref="ArgumentException">An option is out of range; the first ten problems are listed.</exception>
    public static NetworkSpec XSep(MobileNetV3Options? options = null) => Table.Build(XSepName, options ?? new());

    /// <inheritdoc cref="MobileNetV3SmallSpec.Twin"/>
    public static NetworkSpec Twin(MobileNetV3Options? options = null) => Table.BuildTwin(TwinName, options ?? new());
}
