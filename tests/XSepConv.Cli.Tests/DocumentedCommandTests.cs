using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;

namespace XSepConv.Cli.Tests;

/// <summary>
/// What README and docs say to type can be typed: each line is parsed as it is printed, and no option is named that does not exist.
/// </summary>
public sealed partial class DocumentedCommandTests
{
    // Of dotnet, mpirun, the benchmarks and the samples.
    private static readonly string[] OthersOptions =
    [
        "--bind-to", "--channels-last", "--global", "--images", "--kernel", "--logdir", "--maps", "--max-batch", "--max-bytes",
        "--max-pixels", "--max-seconds", "--mca", "--no-build", "--only", "--oversubscribe", "--project", "--queue", "--quick", "--seconds",
        "--self-contained", "--steps", "--time", "--urls", "--workers",
    ];

    /// <summary>Lines of code blocks that run the tool.</summary>
    public static TheoryData<string, string> Lines => [.. Documents().SelectMany(Blocks)];

    /// <summary>The same within sentences and tables, where something may be left out.</summary>
    public static TheoryData<string, string> Mentions =>
        [.. Documents().SelectMany(Spans).Where(span => Command().IsMatch(span.Data.Item2))];

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_line_can_be_typed_as_it_is_printed(string place, string line) =>
        Assert.True(Errors(line).Length == 0, $"{place}: {line}: {Errors(line)}");

    [Theory]
    [MemberData(nameof(Mentions))]
    public void A_command_that_is_mentioned_has_such_options(string place, string text)
    {
        var result = Parse(text);
        Assert.True(result.UnmatchedTokens.Count == 0, $"{place}: {text}: there is no {string.Join(", ", result.UnmatchedTokens)}");
        Assert.DoesNotContain(result.Errors, error => error.Message.Contains("' is '", StringComparison.Ordinal));
    }

    [Fact]
    public void Options_that_are_mentioned_exist()
    {
        var known = Tool.Root().Subcommands.SelectMany(command => command.Options).Concat(Tool.Root().Options)
            .SelectMany(option => option.Aliases.Append(option.Name)).Concat(OthersOptions).ToHashSet();
        var mentioned = Documents().SelectMany(Spans)
            .SelectMany(span => OptionName().Matches(span.Data.Item2).Select(match => (Place: span.Data.Item1, Name: match.Value)))
                .ToList();

        Assert.True(mentioned.Count > 20, $"{mentioned.Count} options are mentioned");
        Assert.DoesNotContain(mentioned, option => !known.Contains(option.Name));
    }

    [Fact]
    public void There_are_lines_to_look_at() => Assert.True(Lines.Count >= 10, $"{Lines.Count} lines");

    private static IEnumerable<string> Documents() =>
        Directory.EnumerateFiles(Path.Combine(Rooms.Repository(), "docs"), "*.md")
            .Append(Path.Combine(Rooms.Repository(), "README.md")).Append(Path.Combine(Rooms.Repository(), "models", "README.md")).Order();

    private static IEnumerable<TheoryDataRow<string, string>> Blocks(string document)
    {
        var lines = File.ReadAllLines(document);
        var fenced = false;
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("```", StringComparison.Ordinal)) fenced = !fenced;
            if (!fenced && !lines[i].StartsWith("    ", StringComparison.Ordinal)) continue;
            var (line, place) = (lines[i].Trim(), $"{Path.GetFileName(document)}:{i + 1}");
            while (line.EndsWith('\\')) line = $"{line[..^1]} {lines[++i].Trim()}";
            if (Command().IsMatch(line)) yield return new(place, line);
        }
    }

    private static IEnumerable<TheoryDataRow<string, string>> Spans(string document) =>
        File.ReadLines(document).SelectMany((line, i) =>
            Span().Matches(line)
                .Select(match => new TheoryDataRow<string, string>($"{Path.GetFileName(document)}:{i + 1}", match.Groups[1].Value)));

    private static ParseResult Parse(string line) => Tool.Root().Parse([.. Words(Command().Replace(line, "", 1))]);

    private static string Errors(string line) => string.Join(' ', Parse(line).Errors.Select(error => error.Message));

    /// <summary>The words of one command as a shell reads them, without what is left out.</summary>
    private static IEnumerable<string> Words(string line)
    {
        var word = new StringBuilder();
        var quote = '\0';
        foreach (var letter in line + ' ')
        {
            if (quote == '\0' && letter is '\'' or '"') quote = letter;
            else if (letter == quote) quote = '\0';
            else if (quote != '\0' || !" |<>&;#".Contains(letter, StringComparison.Ordinal)) word.Append(letter);
            else
            {
                if (word.Length > 0 && $"{word}" is not ("…" or "...")) yield return $"{word}";
                word.Clear();
                if (letter != ' ') yield break;
            }
        }
    }

    [GeneratedRegex(@"^(\$ )?(mpirun [^|]*)?(xsepconv|dotnet run( -c Release)? --project src/XSepConv\.Cli --)(?= |$)")]
    private static partial Regex Command();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Span();

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z0-9-]*")]
    private static partial Regex OptionName();
}
