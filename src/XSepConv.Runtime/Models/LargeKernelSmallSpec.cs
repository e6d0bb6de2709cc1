namespace XSepConv;

/// <summary>
/// A small network of large kernels, and its depthwise twin. It is this project's: in the runtime it takes about as long as
/// MobileNetV3-Small, with kernels of 31×31 at 56×56, 29×29 at 28×28, 27×27 at 14×14 and 13×13 at 7×7 of a 224×224 image.
/// </summary>
public static class LargeKernelSmallSpec
{
    /// <summary>The name of <see cref="XSep"/>.</summary>
    public const string XSepName = "xsep-large-kernel-small";

    /// <summary>The name of <see cref="Twin"/>.</summary>
    public const string TwinName = "large-kernel-small-twin";

    private static MobileNetV3Layout Table => new(LargeKernelSmallTable.Rows, LastChannels: 576);

    /// <summary>The network with XSepConv in every row.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the first ten problems are listed.</exception>
    public static NetworkSpec XSep(MobileNetV3Options? options = null) => Table.Build(XSepName, options ?? new());

    /// <summary>
    /// The twin: every row's spatial operator replaced by the K×K depthwise one, everything else, squeeze-excite's place and width
    /// included, kept. So only the operator differs.
    /// </summary>
    /// <exception cref="ArgumentException">An option is out of range; the first ten problems are listed.</exception>
    public static NetworkSpec Twin(MobileNetV3Options? options = null) => Table.BuildTwin(TwinName, options ?? new());
}
