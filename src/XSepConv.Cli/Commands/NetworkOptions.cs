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

    private IEnumerable<Option> All => [model, preset, width, kernels];

    private readonly Option<string> model = CheckedOption.Choice(
        "--model", [MobileNetV3SmallSpec.XSepName, MobileNetV3SmallSpec.TwinName, MobileNetV3LargeSpec.XSepName, MobileNetV3LargeSpec.TwinName], MobileNetV3SmallSpec.XSepName,
        $"{MobileNetV3SmallSpec.XSepName}, {MobileNetV3LargeSpec.XSepName}, or a twin with the K×K depthwise blocks that XSepConv replaces: {MobileNetV3SmallSpec.TwinName}, {MobileNetV3LargeSpec.TwinName}.",
        "NAME");

    private readonly Option<string> preset;

    private readonly Option<double> width = CheckedOption.Number(
        "--width", 1, "it must be above 0 and at most 8", number => number is > 0 and <= 8, "Multiplies the number of channels of every layer.");

    private readonly Option<int[]> kernels = CheckedOption.Wholes(
        "--kernels", "K,…", [1, 4, 6], "K of the XSep rows: one odd number for all, or one for each: six (default 5,5,5,5,3,3), in a large network four (default 5).",
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
        try
        {
            return result.GetValue(model) switch
            {
                MobileNetV3SmallSpec.TwinName => MobileNetV3SmallSpec.Twin((MobileNetV3SmallOptions)Fill(new MobileNetV3SmallOptions())),
                MobileNetV3LargeSpec.XSepName => MobileNetV3LargeSpec.XSep((MobileNetV3LargeOptions)Fill(new MobileNetV3LargeOptions())),
                MobileNetV3LargeSpec.TwinName => MobileNetV3LargeSpec.Twin((MobileNetV3LargeOptions)Fill(new MobileNetV3LargeOptions())),
                _ => MobileNetV3SmallSpec.XSep((MobileNetV3SmallOptions)Fill(new MobileNetV3SmallOptions())),
            };
        }
        catch (ArgumentException e)
        {
            throw UserError.From(e);
        }

        MobileNetV3Options Fill(MobileNetV3Options options) => options with
        {
            NumClasses = classes,
            InputChannels = inputChannels,
            Preset = Preset(result),
            Width = result.GetValue(width),
            Kernels = result.GetValue(kernels) ?? [],
        };
    }

    public static string NameOf(ImagePreset preset) => preset == ImagePreset.Cifar ? CifarName : ImageNetName;
}
