using System.CommandLine;
using System.CommandLine.Parsing;
using XSepConv.Cli.Arguments;

namespace XSepConv.Cli.Commands;

/// <summary>The options that choose a network, the same in every command that builds one.</summary>
internal sealed class NetworkOptions
{
    // Names of the presets as the command line spells them.
    private const string ImageNetName = "imagenet";
    private const string CifarName = "cifar";

    private const int XSepRows = 6;

    private IEnumerable<Option> All => [model, preset, width, kernels];

    private readonly Option<string> model = CheckedOption.Choice(
        "--model", [MobileNetV3SmallSpec.XSepName, MobileNetV3SmallSpec.DepthwiseName], MobileNetV3SmallSpec.XSepName,
        $"{MobileNetV3SmallSpec.XSepName}, or {MobileNetV3SmallSpec.DepthwiseName}: its twin with the K×K depthwise blocks that XSepConv replaces.", "NAME");

    private readonly Option<string> preset;

    private readonly Option<double> width = CheckedOption.Number(
        "--width", 1, "it must be above 0 and at most 8", number => number is > 0 and <= 8, "Multiplies the number of channels of every layer.");

    private readonly Option<int[]> kernels = CheckedOption.Wholes(
        "--kernels", "K,…", [1, XSepRows], "K of the XSep rows: one odd number for all, or six. Default: 5,5,5,5,3,3.",
        "a kernel is odd, from 1 to 255", kernel => kernel is >= 1 and <= 255 && kernel % 2 == 1);

    public NetworkOptions(ImagePreset usual)
    {
        preset = CheckedOption.Choice(
            "--preset", [ImageNetName, CifarName], NameOf(usual),
            "For which size of image: 224×224 and the like, or 28 to 64 pixels (stem and first block keep the size).");
    }

    public void AddTo(Command command)
    {
        foreach (var option in All) command.Add(option);
    }

    /// <summary>The first of them that was typed; null where none was.</summary>
    public string? Typed(CommandResult result) => All.FirstOrDefault(option => result.GetResult(option) is { Implicit: false })?.Name;

    public ImagePreset Preset(ParseResult result) => result.GetValue(preset) == CifarName ? ImagePreset.Cifar : ImagePreset.ImageNet;

    public NetworkSpec Spec(ParseResult result, int inputChannels, int classes)
    {
        var options = new MobileNetV3SmallOptions
        {
            NumClasses = classes,
            InputChannels = inputChannels,
            Preset = Preset(result),
            Width = result.GetValue(width),
            Kernels = result.GetValue(kernels) ?? [],
        };
        try
        {
            return result.GetValue(model) == MobileNetV3SmallSpec.DepthwiseName ? MobileNetV3SmallSpec.Depthwise(options) : MobileNetV3SmallSpec.XSep(options);
        }
        catch (ArgumentException e)
        {
            throw UserError.From(e);
        }
    }

    public static string NameOf(ImagePreset preset) => preset == ImagePreset.Cifar ? CifarName : ImageNetName;
}
