using System.Text.Json.Serialization;
using XSepConv.Layers;
using static System.FormattableString;

namespace XSepConv;

/// <summary>The spatial operator of a block.</summary>
public enum BlockKind
{
    /// <summary>One K×K depthwise convolution (<c>DwBlock</c>): what XSepConv replaces.</summary>
    Dw,

    /// <summary>2×2, 1×K and K×1 depthwise convolutions (<c>XSepBlock</c>).</summary>
    XSep,

    /// <summary>1×K and K×1 depthwise convolutions (<c>SepBlock</c>): XSepConv without its 2×2, to ask what that is worth.</summary>
    Sep,

    /// <summary>
    /// One K×K depthwise convolution as the papers on MobileNetV2 and MobileNetV3 have it (<c>InvertedResidualBlock</c>): no expansion
    /// where it would not change the number of channels, squeeze-excite after the nonlinearity with biases instead of batch norms, and a
    /// shortcut only where nothing has to be converted for it.
    /// </summary>
    InvertedResidual,

    /// <summary>
    /// An <see cref="InvertedResidual"/> row with XSepConv for its K×K (<c>XSepInvertedResidualBlock</c>): what a network of those papers
    /// is converted to. All around the operator stays as it is there.
    /// </summary>
    XSepInvertedResidual,
}

/// <summary>The nonlinearity of a block.</summary>
public enum Activation
{
    /// <summary>max(x, 0).</summary>
    ReLU,

    /// <summary>x · relu6(x + 3) / 6.</summary>
    HSwish,

    /// <summary>min(max(x, 0), 6), MobileNetV2's.</summary>
    ReLU6,

    /// <summary>x · sigmoid(x), also called swish: EfficientNet's.</summary>
    SiLU,
}

/// <summary>Whether a block has squeeze-excite, and on which map.</summary>
public enum SqueezeExcite
{
    /// <summary>None.</summary>
    None,

    /// <summary>
    /// On the expanded map, between the spatial operator and the projection: the place an <see cref="BlockKind.XSep"/> row has it.
    /// </summary>
    Expanded,

    /// <summary>On the output, after the projection: the place the notes' depthwise block has it.</summary>
    Output,
}

/// <summary>One row of a network's table: 1×1 expand → spatial operator → 1×1 project, and the shortcut when the stride is 1.</summary>
/// <param name="Kind">The spatial operator.</param>
/// <param name="Kernel">K, odd.</param>
/// <param name="In">Input channels.</param>
/// <param name="Expand">Channels of the expanded map, on which the spatial operator runs.</param>
/// <param name="Out">Output channels.</param>
/// <param name="Activation">The nonlinearity.</param>
/// <param name="SqueezeExcite">Whether there is squeeze-excite, and where. An XSep or Sep row has it on the expanded map only.</param>
/// <param name="Stride">1 or 2.</param>
public sealed record BlockSpec(
    BlockKind Kind, int Kernel, int In, int Expand, int Out, Activation Activation, SqueezeExcite SqueezeExcite, int Stride)
{
    /// <summary>By how much squeeze-excite narrows unless told otherwise: C → C/4 → C.</summary>
    private const int SqueezeReduction = 4;

    /// <summary>Channels inside of squeeze-excite; null for a quarter of those that it scales.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? SqueezeChannels { get; init; }

    /// <summary>Channels of the map that squeeze-excite scales, or 0 without one.</summary>
    public int SqueezeExciteChannels => SqueezeExcite switch
    {
        SqueezeExcite.Expanded => Expand,
        SqueezeExcite.Output => Out,
        SqueezeExcite.None => 0,
        _ => throw EnumValues.Unknown(SqueezeExcite),
    };

    /// <summary>Whether the spatial operator begins with a 2×2, which pads on one side.</summary>
    internal bool HasTwoByTwo => BlockShape.Of(Kind).HasTwoByTwo;

    internal int SqueezedChannels => SqueezeExcite == SqueezeExcite.None ? 0 : SqueezeChannels ?? SqueezeExciteChannels / SqueezeReduction;

    /// <summary>Says what is wrong with the row, if anything is.</summary>
    internal IEnumerable<string> Problems()
    {
        if (EnumValues.Problem("kind", Kind) is { } kind) yield return kind;
        if (EnumValues.Problem("activation", Activation) is { } activation) yield return activation;
        if (EnumValues.Problem("squeeze-excite", SqueezeExcite) is { } squeezeExcite) yield return squeezeExcite;
        if (Kernel is < 1 or > NetworkSpec.LargestKernel || Kernel % 2 == 0)
        {
            yield return $"kernel is {Kernel}, it must be odd, from 1 to {NetworkSpec.LargestKernel}";
        }

        if (Stride is not (1 or 2)) yield return $"stride is {Stride}, it must be 1 or 2";
        foreach (var (name, channels) in new[] { ("in", In), ("expand", Expand), ("out", Out) })
        {
            if (channels is < 1 or > NetworkSpec.MostChannels)
            {
                yield return Invariant($"{name} is {channels}, channels go from 1 to {NetworkSpec.MostChannels:N0}");
            }
        }

        if (Enum.IsDefined(Kind) && SqueezeExcite == SqueezeExcite.Output && !BlockShape.Of(Kind).SqueezesOutput)
        {
            var article = Kind is BlockKind.Dw or BlockKind.Sep ? "a" : "an";
            yield return $"{article} {Kind} row has squeeze-excite on the expanded map (Expanded), not on the output";
        }

        if (SqueezeChannels is { } squeezed)
        {
            if (squeezed is < 1 or > NetworkSpec.MostChannels)
            {
                yield return Invariant($"squeeze channels is {squeezed}, channels go from 1 to {NetworkSpec.MostChannels:N0}");
            }

            if (SqueezeExcite == SqueezeExcite.None) yield return $"squeeze channels is {squeezed}, but there is no squeeze-excite";
        }
        else if (SqueezeExcite is SqueezeExcite.Expanded or SqueezeExcite.Output && SqueezeExciteChannels is >= 1 and < SqueezeReduction)
        {
            yield return $"squeeze-excite needs at least {SqueezeReduction} channels, it has {SqueezeExciteChannels}";
        }
    }
}
