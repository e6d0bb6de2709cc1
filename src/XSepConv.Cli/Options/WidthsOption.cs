using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Options;

/// <summary><c>--width</c> of a comparison: each of several makes pairs of its own.</summary>
internal sealed class WidthsOption
{
    private const string Name = "--width";

    public WidthsOption(int most) => Option = CheckedOption.Numbers(
        Name, most,
        $"Multiplies the number of channels of every layer{(most == 1 ? "" : "; each of several makes another pair of networks")}. "
            + "Default: 1; for shapes 0.5, with 2,000 training images.",
        NetworkOptions.RightWidth, NetworkOptions.IsWidth).Or("--widths");

    public Option<double[]> Option { get; }

    /// <summary>The widths; the usual one where none was typed.</summary>
    /// <exception cref="UserError">One is there twice.</exception>
    public IReadOnlyList<double> Of(ParseResult result, double usual)
    {
        // Not null where it is absent, but empty.
        if (result.GetValue(Option) is not { Length: > 0 } widths) return [usual];
        return widths.Distinct().Count() == widths.Length ? widths
            : throw new UserError($"{Name} is '{result.GetResult(Option)!.Tokens[0].Value}': each width once.");
    }
}
