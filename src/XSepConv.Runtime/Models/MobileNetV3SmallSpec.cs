namespace XSepConv;

/// <summary>XSepMobileNetV3-Small, the table of the notes on arXiv 2002.12046, and its depthwise twin.</summary>
public static class MobileNetV3SmallSpec
{
    /// <summary>The name of <see cref="XSep"/>.</summary>
    public const string XSepName = "xsep-mobilenet-v3-small";

    /// <summary>The name of <see cref="Twin"/>.</summary>
    public const string TwinName = "mobilenet-v3-small-twin";

    private static MobileNetV3Layout Table => new(MobileNetV3SmallTable.Rows, LastChannels: 576);

    /// <summary>
    /// The network of the notes: XSepConv in the stride-1 rows of the deeper stages, depthwise where it down-samples with K &lt; 7.
    /// </summary>
    /// <exception cref="ArgumentException">An option is out of range; the first ten problems are listed.</exception>
    public static NetworkSpec XSep(MobileNetV3Options? options = null) => Table.Build(XSepName, options ?? new());

    /// <summary>
    /// The twin: every XSep row's spatial operator replaced by the K×K depthwise one, everything else, squeeze-excite's place and width
    /// included, kept. So only the operator differs.
    /// </summary>
    /// <exception cref="ArgumentException">An option is out of range; the first ten problems are listed.</exception>
    public static NetworkSpec Twin(MobileNetV3Options? options = null) => Table.BuildTwin(TwinName, options ?? new());
}
