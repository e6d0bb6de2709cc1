using System.CommandLine;
using System.Globalization;
using XSepConv.Cli.Arguments;

namespace XSepConv.Cli.Options;

/// <summary><c>--image-size</c> of commands that take no images: a square's side, or height and width, or channels before them.</summary>
internal sealed class ImageSizeOption
{
    private const int LongestSide = 65_536;

    private readonly bool withChannels;

    /// <param name="withChannels">Whether channels may stand before height and width.</param>
    public ImageSizeOption(string description, bool withChannels = false)
    {
        this.withChannels = withChannels;
        Option = CheckedOption.Make<int[]>("--image-size", withChannels ? "CxHxW" : "HxW", description, null, Parse).Or("--size");
        if (withChannels) Option.Or("--input");
    }

    public Option<int[]> Option { get; }

    /// <summary>Height and width; null where nothing was typed.</summary>
    public (int Height, int Width)? Size(ParseResult result) => result.GetValue(Option) switch
    {
        [var side] => (side, side),
        [.., var height, var width] => (height, width),
        _ => null,
    };

    /// <summary>The channels before height and width; null where they were not typed.</summary>
    public int? Channels(ParseResult result) => result.GetValue(Option) is [var channels, _, _] ? channels : null;

    private (int[]? Value, string? Wrong) Parse(string text)
    {
        var parts = text.Split(['x', 'X', '×']);
        var sizes = new int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out sizes[i]) || sizes[i] is < 1 or > LongestSide)
            {
                return Wrong();
            }
        }

        return sizes.Length <= (withChannels ? 3 : 2) ? (sizes, null) : Wrong();

        (int[]?, string?) Wrong() => (null, withChannels
            ? $"channels, height and width are three whole numbers from 1 to {LongestSide}, such as 3x224x224, or height and width alone"
            : $"height and width are whole numbers from 1 to {LongestSide}, such as 224x224, or 224 for both");
    }
}
