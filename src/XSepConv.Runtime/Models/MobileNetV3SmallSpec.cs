namespace XSepConv;

/// <summary>For which size of image a network is laid out.</summary>
public enum ImagePreset
{
    /// <summary>224×224 and the like: stem and first block have stride 2; a 224×224 image ends at 7×7.</summary>
    ImageNet,

    /// <summary>28 to 64 pixels: stem and first block have stride 1; a 32×32 image ends at 4×4 instead of 1×1.</summary>
    Cifar,
}

/// <summary>What can be chosen about a <see cref="MobileNetV3SmallSpec"/> network.</summary>
public sealed record MobileNetV3SmallOptions
{
    /// <summary>How many classes there are.</summary>
    public int NumClasses { get; init; } = 1000;

    /// <summary>For which size of image.</summary>
    public ImagePreset Preset { get; init; }

    /// <summary>Channels of the input images.</summary>
    public int InputChannels { get; init; } = 3;

    /// <summary>Multiplies every number of channels and the hidden features; rounded to multiples of 8, never down by more than 10 %.</summary>
    public double Width { get; init; } = 1;

    /// <summary>Probability of dropout before the last linear layer.</summary>
    public double Dropout { get; init; }

    /// <summary>K of the six XSep rows: none for the table's, one for all, or six.</summary>
    public IReadOnlyList<int> Kernels { get; init; } = [];

    /// <summary>Where the XSep rows pad.</summary>
    public PaddingPlacement PaddingPlacement { get; init; }
}

/// <summary>XSepMobileNetV3-Small, the table of the notes on arXiv 2002.12046, and its depthwise twin.</summary>
public static class MobileNetV3SmallSpec
{
    /// <summary>The name of <see cref="XSep"/>.</summary>
    public const string XSepName = "xsep-mobilenet-v3-small";

    /// <summary>The name of <see cref="Depthwise"/>.</summary>
    public const string DepthwiseName = "mobilenet-v3-small";

    /// <summary>The network of the notes: XSepConv in the stride-1 rows of the deeper stages, depthwise where it down-samples with K &lt; 7.</summary>
    /// <exception cref="ArgumentException">An option is out of range; all problems are listed.</exception>
    public static NetworkSpec XSep(MobileNetV3SmallOptions? options = null) => Build(XSepName, options ?? new());

    /// <summary>
    /// The twin: every XSep row's spatial operator replaced by the K×K depthwise one, everything else, squeeze-excite's place and width
    /// included, kept. So only the operator differs.
    /// </summary>
    /// <exception cref="ArgumentException">An option is out of range; all problems are listed.</exception>
    public static NetworkSpec Depthwise(MobileNetV3SmallOptions? options = null)
    {
        var spec = Build(DepthwiseName, options ?? new());
        return spec with { Blocks = [.. spec.Blocks.Select(block => block with { Kind = BlockKind.Dw })] };
    }

    private static NetworkSpec Build(string name, MobileNetV3SmallOptions options)
    {
        // What is unusable gives way to the default, so that all other problems are found too.
        var usable = options with
        {
            Width = HasUsableWidth(options) ? options.Width : 1,
            Preset = Enum.IsDefined(options.Preset) ? options.Preset : default,
            Kernels = HasUsableKernels(options) ? options.Kernels : [],
        };
        var spec = Assemble(name, usable);
        string[] problems = [.. Problems(options), .. spec.Problems()];
        return problems.Length == 0 ? spec : throw NetworkSpec.CannotBeBuilt(name, problems);
    }

    private static bool HasUsableWidth(MobileNetV3SmallOptions options) => options.Width is > 0 and <= 64;

    private static bool HasUsableKernels(MobileNetV3SmallOptions options) => options.Kernels?.Count is 0 or 1 or MobileNetV3SmallTable.XSepRows;

    private static IEnumerable<string> Problems(MobileNetV3SmallOptions options)
    {
        if (!HasUsableWidth(options)) yield return $"the width multiplier is {options.Width}, it must be above 0 and at most 64";
        if (!Enum.IsDefined(options.Preset)) yield return $"the preset is {options.Preset}, known are ImageNet and Cifar";
        if (!HasUsableKernels(options))
        {
            yield return $"there are {options.Kernels?.Count ?? 0} kernel sizes, it must be none, one for all XSep rows, or {MobileNetV3SmallTable.XSepRows}";
        }
    }

    private static NetworkSpec Assemble(string name, MobileNetV3SmallOptions options)
    {
        var small = options.Preset == ImagePreset.Cifar;
        var xsepRow = 0;
        return new NetworkSpec
        {
            Name = name,
            InputChannels = options.InputChannels,
            NumClasses = options.NumClasses,
            StemChannels = Scale(16),
            StemStride = small ? 1 : 2,
            Blocks = [.. MobileNetV3SmallTable.Rows.Select((row, i) => row with
            {
                Kernel = row.Kind == BlockKind.XSep ? KernelOf(xsepRow++, row.Kernel) : row.Kernel,
                In = Scale(row.In),
                Expand = Scale(row.Expand),
                Out = Scale(row.Out),
                Stride = small && i == 0 ? 1 : row.Stride,
            })],
            LastChannels = Scale(576),
            HiddenFeatures = Scale(1280),
            Dropout = options.Dropout,
            PaddingPlacement = options.PaddingPlacement,
        };

        int Scale(int channels) => ScaleChannels(channels, options.Width);
        int KernelOf(int row, int kernel) => options.Kernels.Count == 0 ? kernel : options.Kernels[options.Kernels.Count == 1 ? 0 : row];
    }

    /// <summary>Rounds to the nearest multiple of 8, at least 8, and up again where that lost more than 10 %.</summary>
    internal static int ScaleChannels(int channels, double width)
    {
        const int Divisor = 8;
        var wanted = channels * width;
        var rounded = Math.Max(Divisor, (int)(wanted + (Divisor / 2)) / Divisor * Divisor);
        return rounded < 0.9 * wanted ? rounded + Divisor : rounded;
    }
}
