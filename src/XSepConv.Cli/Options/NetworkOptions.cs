using System.CommandLine;
using System.CommandLine.Parsing;
using XSepConv.Cli.Arguments;

namespace XSepConv.Cli.Options;

/// <summary>The options that choose a network, the same in every command that builds one.</summary>
internal sealed class NetworkOptions
{
    private readonly Option<string> network = CheckedOption.Choice(
        "--network",
        [MobileNetV3SmallSpec.XSepName, MobileNetV3SmallSpec.TwinName, MobileNetV3LargeSpec.XSepName, MobileNetV3LargeSpec.TwinName],
        MobileNetV3SmallSpec.XSepName,
        $"{MobileNetV3SmallSpec.XSepName}, {MobileNetV3LargeSpec.XSepName}, or a twin with the K×K depthwise "
            + "blocks that XSepConv replaces: "
        + $"{MobileNetV3SmallSpec.TwinName}, {MobileNetV3LargeSpec.TwinName}.",
        "NAME").Or("--model");

    private readonly PresetOption preset = new();
    private readonly Option<double?> width = Width("Multiplies the number of channels of every layer (1 without).");

    private readonly Option<int[]> kernels = Kernels(
        "K,…", [1, 4, 6],
        "K of the XSep rows: one odd number for all, or one for each: six (default 5,5,5,5,3,3), in a large network four (default 5).");

    private readonly Option<Activation?> activation = ActivationOption.Create();

    /// <summary>In the order of the help.</summary>
    public IEnumerable<Option> All => [network, preset.Option, width, kernels, activation];

    public static Option<double?> Width(string description) =>
        CheckedOption.OptionalNumber("--width", "it must be above 0 and at most 8", number => number is > 0 and <= 8, description);

    public static Option<int[]> Kernels(string value, int[] counts, string description) => CheckedOption.Wholes(
        "--kernels", value, counts, description, "a kernel is odd, from 1 to 255", kernel => kernel is >= 1 and <= 255 && kernel % 2 == 1);

    /// <summary>The first of them that was typed; null where none was.</summary>
    public string? Typed(CommandResult result) => All.FirstOrDefault(option => result.IsTyped(option))?.Name;

    public ImagePreset Preset(ParseResult result, (int Height, int Width)? size) => preset.For(result, size);

    /// <summary>The network that was described.</summary>
    /// <param name="size">Of the images; null where it is not known.</param>
    public NetworkSpec Spec(ParseResult result, int inputChannels, int classes, (int Height, int Width)? size)
    {
        var options = new MobileNetV3Options
        {
            NumClasses = classes,
            InputChannels = inputChannels,
            Preset = Preset(result, size),
            Width = result.GetValue(width) ?? 1,
            Kernels = result.GetValue(kernels) ?? [],
            Activation = result.GetValue(activation),
        };
        return result.GetValue(network) switch
        {
            MobileNetV3SmallSpec.TwinName => MobileNetV3SmallSpec.Twin(options),
            MobileNetV3LargeSpec.XSepName => MobileNetV3LargeSpec.XSep(options),
            MobileNetV3LargeSpec.TwinName => MobileNetV3LargeSpec.Twin(options),
            _ => MobileNetV3SmallSpec.XSep(options),
        };
    }
}
