using System.CommandLine;
using XSepConv.Cli.Arguments;

namespace XSepConv.Cli.Options;

/// <summary><c>--preset</c>: how much of an image's size a network keeps.</summary>
internal sealed class PresetOption
{
    private const string Auto = "auto", ImageNet = "imagenet", Cifar = "cifar";

    // The largest images of the published small sets, Tiny ImageNet's.
    private const int LargestSmallSide = 64;

    public Option<string> Option { get; } = CheckedOption.Choice(
        "--preset", [Auto, ImageNet, Cifar], Auto,
        $"For which size of image: {ImageNet} for 224×224 and the like, {Cifar} for small ones (stem and first block keep the size). "
        + $"{Auto} takes {Cifar} up to {LargestSmallSide} pixels, {ImageNet} above.");

    /// <summary>What was chosen, or suits images of that size; a size that is not known is that of ImageNet.</summary>
    public ImagePreset For(ParseResult result, (int Height, int Width)? size) => result.GetValue(Option) switch
    {
        ImageNet => ImagePreset.ImageNet,
        Cifar => ImagePreset.Cifar,
        _ => size is var (height, width) && Math.Max(height, width) <= LargestSmallSide ? ImagePreset.Cifar : ImagePreset.ImageNet,
    };

    public static string NameOf(ImagePreset preset) => preset switch
    {
        ImagePreset.ImageNet => ImageNet,
        ImagePreset.Cifar => Cifar,
        _ => throw new ArgumentOutOfRangeException(nameof(preset), preset, "There is no such preset."),
    };
}
