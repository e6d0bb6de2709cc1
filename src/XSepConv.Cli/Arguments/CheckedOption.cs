using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using XSepConv.Training;

namespace XSepConv.Cli.Arguments;

/// <summary>Options that check their value: an error names the option, the value and what would be right.</summary>
internal static class CheckedOption
{
    private const int MostShown = 60;

    public static Option<bool> Flag(string name, string description) => new(name) { Description = description, Arity = ArgumentArity.Zero };

    public static Option<string> Text(string name, string value, string description, string? fallback = null) =>
        Make<string>(
            name, value, description, fallback is null ? null : _ => fallback,
            text => string.IsNullOrWhiteSpace(text) ? (null, "it is empty") : (text, null));

    /// <summary>One of some names, of which the help shows all where <paramref name="value"/> is null.</summary>
    public static Option<string> Choice(
        string name, IReadOnlyList<string> known, string fallback, string description, string? value = null) =>
        Complete(Make<string>(name, value ?? string.Join('|', known), description, _ => fallback, text => OneOf(known, text)), known);

    /// <summary>The same, null where it is not given.</summary>
    public static Option<string?> OptionalChoice(string name, IReadOnlyList<string> known, string description, string? value = null) =>
        Complete(Make<string?>(name, value ?? string.Join('|', known), description, null, text => OneOf(known, text)), known);

    /// <summary>A member of an enum by its name in small letters; null where it is not given.</summary>
    public static Option<T?> OptionalMember<T>(string name, string description)
        where T : struct, Enum
    {
        string[] known = [.. Enum.GetNames<T>().Select(member => member.ToLowerInvariant())];
        return Complete(Make<T?>(name, string.Join('|', known), description, null, Parse), known);

        (T?, string?) Parse(string text)
        {
            var (member, wrong) = OneOf(known, text);
            return (member is null ? null : Enum.Parse<T>(member, ignoreCase: true), wrong);
        }
    }

    /// <summary>The known name, however it is capitalised, or what would be right.</summary>
    public static (string? Value, string? Wrong) OneOf(IReadOnlyList<string> known, string text) =>
        known.FirstOrDefault(name => string.Equals(name, text, StringComparison.OrdinalIgnoreCase)) is { } match
            ? (match, null)
            : (null, $"known are {string.Join(", ", known)}.{Nearest.Hint(text, known)}");

    public static Option<int> Whole(string name, int least, int most, int fallback, string description) =>
        Make(name, "N", description, _ => fallback, text => ParseWhole(text, least, most));

    public static Option<int?> OptionalWhole(string name, int least, int most, string description) =>
        Make<int?>(name, "N", description, null, text => ParseWhole(text, least, most));

    public static Option<double?> OptionalNumber(string name, string right, Func<double, bool> isRight, string description) =>
        Make<double?>(name, "X", description, null, text => ParseNumber(text, right, isRight));

    /// <summary>
    /// Whole numbers separated by commas, at most <paramref name="most"/>; null where the option is absent.
    /// </summary>
    public static Option<int[]> Wholes(
        string name, string value, int most, string description, string right, Func<int, bool> isRight) =>
        Make<int[]>(name, value, description, null, text =>
        {
            var parts = text.Split(',', most + 2);
            var numbers = new int[parts.Length];
            for (var i = 0; i < parts.Length; i++)
            {
                if (!int.TryParse(parts[i].Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out numbers[i])
                    || !isRight(numbers[i]))
                {
                    return (null, $"{right}, separated by commas");
                }
            }

            return parts.Length <= most ? (numbers, null) : (null, $"give at most {most} numbers");
        });

    /// <summary>Numbers separated by commas, at most <paramref name="most"/>; empty where the option is absent.</summary>
    public static Option<double[]> Numbers(string name, int most, string description, string right, Func<double, bool> isRight) =>
        Make<double[]>(name, most == 1 ? "X" : "X,…", description, null, text =>
        {
            var parts = text.Split(',', most + 2);
            if (parts.Length > most) return (null, most == 1 ? "give one number" : $"give at most {most} numbers");
            var read = parts.Select(part => ParseNumber(part.Trim(), right, isRight)).ToList();
            return read.Find(number => number.Wrong is not null).Wrong is { } wrong
                ? (null, most == 1 ? wrong : $"{wrong}; several are separated by commas")
                : ([.. read.Select(number => number.Value)], null);
        });

    /// <summary>An option read by <paramref name="parse"/>, which gives the value or says what would be right.</summary>
    public static Option<T> Make<T>(
        string name, string value, string description, Func<ArgumentResult, T>? fallback, Func<string, (T? Value, string? Wrong)> parse) =>
            new(name)
            {
                Description = description,
                HelpName = value,

                // Numbers in a row are one text, however many there are.
                Arity = ArgumentArity.ExactlyOne,
                DefaultValueFactory = fallback,
                CustomParser = argument =>
                {
                    if (argument.Tokens is not [var token]) return default;
                    var (parsed, wrong) = parse(token.Value);
                    var typed = (argument.Parent as OptionResult)?.IdentifierToken?.Value ?? name;
                    if (wrong is not null)
                    {
                        argument.AddError($"{typed} is '{Shorten(token.Value)}': {wrong.TrimEnd('.')}{(wrong.EndsWith('?') ? "" : ".")}");
                    }

                    return parsed;
                },
            };

    public static Option<T> Or<T>(this Option<T> option, params string[] aliases)
    {
        foreach (var alias in aliases) option.Aliases.Add(alias);
        return option;
    }

    /// <summary>Whether it was typed.</summary>
    public static bool IsTyped(this SymbolResult result, Option option) => result.GetResult(option) is { IdentifierTokenCount: > 0 };

    public static string Shorten(string text) => text.Length <= MostShown ? text : text[..MostShown] + "…";

    private static Option<T> Complete<T>(Option<T> option, IReadOnlyList<string> known)
    {
        option.CompletionSources.Add([.. known]);
        return option;
    }

    private static (int Value, string? Wrong) ParseWhole(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? (number, null)
            : (0, $"it must be a whole number from {least} to {most}");

    private static (double Value, string? Wrong) ParseNumber(string text, string right, Func<double, bool> isRight) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            && isRight(number)
            ? (number, null)
            : (0, right);
}
