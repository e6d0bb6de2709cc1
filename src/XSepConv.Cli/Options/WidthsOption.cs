using System.CommandLine;
using System.Globalization;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Options;

/// <summary><c>--width</c> of a comparison: each of several makes pairs of its own.</summary>
internal sealed class WidthsOption
{
    private const string Name = "--width";
    private const double Most = 8;

    private readonly int most;

    public WidthsOption(int most)
    {
        this.most = most;
        Option = CheckedOption.Make<double[]>(
            Name, most == 1 ? "X" : "X,…",
            $"Multiplies the number of channels of every layer{(most == 1 ? "" : "; each of several makes another pair of networks")}. "
                + "Default: 1; for shapes 0.5, with 2,000 training images.",
            null, Parse).Or("--widths");
    }

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

    private (double[]? Value, string? Wrong) Parse(string text)
    {
        var parts = text.Split(',', most + 2);
        if (parts.Length > most) return (null, most == 1 ? "give one number" : $"give at most {most} numbers");
        var widths = new double[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!double.TryParse(parts[i].Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out widths[i])
                || widths[i] is not (> 0 and <= Most))
            {
                return (null, $"it must be above 0 and at most {Most}{(most == 1 ? "" : "; several are separated by commas")}");
            }
        }

        return (widths, null);
    }
}
