using System.CommandLine;
using System.CommandLine.Parsing;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Options;

/// <summary>The options that choose a network, the same in every command that builds one.</summary>
internal sealed class NetworkOptions
{
    private readonly Option<string> network = CheckedOption.Choice(
        "--network", NetworkCatalog.Names, MobileNetV3SmallSpec.XSepName,
        $"{string.Join(", ", NetworkCatalog.All.Select(entry => entry.XSepName))}, or a twin with the K×K depthwise blocks that XSepConv "
            + $"replaces: {string.Join(", ", NetworkCatalog.All.Select(entry => entry.TwinName))}; or as published: "
            + $"{string.Join(", ", NetworkCatalog.Published.Select(entry => entry.Name))}.",
        "NAME").Or("--model");

    /// <summary>The option that leaves the 2×2 out.</summary>
    public const string Without2x2 = "--without-2x2";

    /// <summary>What a width is.</summary>
    public const string RightWidth = "it must be above 0 and at most 8";

    private readonly PresetOption preset = new();
    private readonly Option<double?> width = CheckedOption.OptionalNumber(
        "--width", RightWidth, IsWidth, "Multiplies the number of channels of every layer (1 without).");

    private readonly KernelsOption kernels = KernelsOption.OfOne();

    private readonly Option<bool> without2x2 = CheckedOption.Flag(
        Without2x2, "Leave the 2×2 out of XSepConv: 1×K and K×1 only, which is not the paper's.");

    private readonly Option<Activation?> activation = ActivationOption.Create();

    /// <summary>In the order of the help.</summary>
    public IEnumerable<Option> All => [network, preset.Option, width, kernels.Option, without2x2, activation];

    public static bool IsWidth(double number) => number is > 0 and <= 8;

    /// <summary>The first of them that was typed; null where none was.</summary>
    public string? Typed(CommandResult result) => All.FirstOrDefault(option => result.IsTyped(option))?.Name;

    public ImagePreset Preset(ParseResult result, (int Height, int Width)? size) => preset.For(result, size);

    /// <summary>The network that was described.</summary>
    /// <param name="size">Of the images; null where it is not known.</param>
    public NetworkSpec Spec(ParseResult result, int inputChannels, int classes, (int Height, int Width)? size)
    {
        var name = result.GetValue(network)!;
        var options = new MobileNetV3Options
        {
            NumClasses = classes,
            InputChannels = inputChannels,
            Preset = Preset(result, size),
            Width = result.GetValue(width) ?? 1,
            Kernels = kernels.Of(result, name, NetworkCatalog.RowsOf(name)) is [var chosen] ? chosen : [],
            Activation = result.GetValue(activation),
        };
        var spec = NetworkCatalog.Build(name, options);
        if (!result.GetValue(without2x2)) return spec;
        if (spec.Blocks.Any(block => block.Kind == BlockKind.XSep)) return spec.WithoutTwoByTwo();
        throw new UserError(
            $"{Without2x2} is for {string.Join(", ", NetworkCatalog.All.Select(entry => entry.XSepName))}: {spec.Name} has no row that "
            + "can be without a 2×2.");
    }
}
