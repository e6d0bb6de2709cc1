using System.CommandLine;
using System.CommandLine.Parsing;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Arguments;

/// <summary>A command line as one could type it again.</summary>
internal static class TypedLine
{
    /// <summary>The line that was parsed, without some flags and with another at its end.</summary>
    public static string Of(ParseResult result, string[]? leaveOut = null, string? add = null)
    {
        var kept = result.Tokens.Where(token => token.Type != TokenType.Option || leaveOut?.Contains(token.Value) != true)
            .Select(token => Quote(token.Value));
        return string.Join(' ', [ErrorText.Tool, .. kept, .. add is null ? Array.Empty<string>() : [add]]);
    }

    private static string Quote(string word) =>
        word.Length > 0 && word.All(IsPlain) ? word : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    private static bool IsPlain(char letter) => char.IsLetterOrDigit(letter) || "-_./,=:+".Contains(letter, StringComparison.Ordinal);
}
