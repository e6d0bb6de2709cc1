namespace XSepConv;

/// <summary>A table of MobileNet and what is around it, made into a network with its options.</summary>
/// <param name="Rows">The blocks at full width for 224×224 images.</param>
/// <param name="LastChannels">Output channels of the 1×1 convolution after them.</param>
internal sealed record MobileNetV3Layout(IReadOnlyList<BlockSpec> Rows, int LastChannels)
{
    public int StemChannels { get; init; } = 16;

    public int HiddenFeatures { get; init; } = 1280;

    public bool HiddenNorm { get; init; } = true;

    public Activation Activation { get; init; } = Activation.HSwish;

    public double NormEpsilon { get; init; } = ModuleSettings.DefaultEpsilon;

    public double NormMomentum { get; init; } = ModuleSettings.DefaultMomentum;

    /// <summary>How wide a row's expanded map is at a width.</summary>
    public Func<BlockSpec, double, int> Expansion { get; init; } = (row, width) => ScaleChannels(row.Expand, width);

    /// <summary>How wide the last convolution is at a width; null for its channels times that.</summary>
    public Func<double, int>? Last { get; init; }

    /// <summary>The same with every XSep row made depthwise.</summary>
    public NetworkSpec BuildTwin(string name, MobileNetV3Options options)
    {
        var spec = Build(name, options);
        return spec with { Blocks = [.. spec.Blocks.Select(block => block with { Kind = BlockKind.Dw })] };
    }

    public NetworkSpec Build(string name, MobileNetV3Options options)
    {
        // What is unusable gives way to the default, so that all other problems are found too.
        var usable = options with
        {
            Width = HasUsableWidth(options) ? options.Width : 1,
            Preset = Enum.IsDefined(options.Preset) ? options.Preset : default,
            Kernels = KernelChoice.Problems(Rows, options.Kernels).Any() ? [] : options.Kernels,
        };
        var spec = Assemble(name, usable);
        string[] problems = [.. Problems(options), .. spec.Problems()];
        return problems.Length == 0 ? spec : throw NetworkSpec.CannotBeBuilt(name, problems);
    }

    private static bool HasUsableWidth(MobileNetV3Options options) => options.Width is > 0 and <= 64;

    private IEnumerable<string> Problems(MobileNetV3Options options)
    {
        if (!HasUsableWidth(options)) yield return $"the width multiplier is {options.Width}, it must be above 0 and at most 64";
        if (EnumValues.Problem("the preset", options.Preset) is { } preset) yield return preset;
        foreach (var problem in KernelChoice.Problems(Rows, options.Kernels)) yield return problem;
    }

    private NetworkSpec Assemble(string name, MobileNetV3Options options)
    {
        var small = options.Preset == ImagePreset.Cifar;
        var firstDown = Rows.Select((row, i) => (row, i)).First(entry => entry.row.Stride == 2).i;
        var kernels = KernelChoice.OfRows(Rows, options.Kernels);
        return new NetworkSpec
        {
            Name = name,
            InputChannels = options.InputChannels,
            NumClasses = options.NumClasses,
            StemChannels = Scale(StemChannels),
            StemStride = small ? 1 : 2,
            Blocks = [.. Rows.Select((row, i) => KernelChoice.Give(kernels[i], row with
            {
                In = Scale(row.In),
                Expand = Expansion(row, options.Width),
                SqueezeChannels = row.SqueezeChannels is null ? null : SqueezedFrom(Expansion(row, options.Width)),
                Out = Scale(row.Out),
                Stride = small && i == firstDown ? 1 : row.Stride,
                Activation = options.Activation ?? row.Activation,
            }))],
            LastChannels = Last?.Invoke(options.Width) ?? Scale(LastChannels),
            HiddenFeatures = HiddenFeatures == 0 ? 0 : Scale(HiddenFeatures),
            HiddenNorm = HiddenNorm,
            Activation = options.Activation ?? Activation,
            NormEpsilon = NormEpsilon,
            NormMomentum = NormMomentum,
            Dropout = options.Dropout ?? 0,
            PaddingPlacement = options.PaddingPlacement,
        };

        int Scale(int channels) => ScaleChannels(channels, options.Width);
    }

    /// <summary>Howard's squeeze-excite: a quarter of the expanded channels, rounded as all channels are.</summary>
    internal static int SqueezedFrom(int expanded) => ScaleChannels(expanded / 4, 1);

    /// <summary>Rounds to the nearest multiple of 8, at least 8, and up again where that lost more than 10 %.</summary>
    internal static int ScaleChannels(int channels, double width)
    {
        const int Divisor = 8;
        var wanted = channels * width;
        var rounded = Math.Max(Divisor, (int)(wanted + (Divisor / 2)) / Divisor * Divisor);
        return rounded < 0.9 * wanted ? rounded + Divisor : rounded;
    }
}
