using System.Globalization;
using System.Text;

namespace XSepConv.Cli.Terminal;

/// <summary>
/// Text of any origin as a terminal may be given it: what would move the cursor, change colours, turn the direction of reading or end a
/// line is shown as
/// <c>\u001b</c>. In JSON that is the same string.
/// </summary>
internal static class Printable
{
    private const int Most = 4_000;

    /// <summary>One line, of bearable length.</summary>
    public static string Line(string text)
    {
        var cut = text.Length <= Most ? text.Length : char.IsHighSurrogate(text[Most - 1]) ? Most - 1 : Most;
        var line = Escape(text.AsSpan(0, cut), keepLines: false);
        return cut == text.Length ? line : $"{line}… ({text.Length - cut:N0} more)";
    }

    /// <summary>The same text where nothing has to be escaped.</summary>
    /// <param name="keepLines">Whether line ends and tabs stay as they are.</param>
    public static string Escape(ReadOnlySpan<char> text, bool keepLines)
    {
        var shown = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var letter = text[i];
            var next = i + 1 < text.Length ? text[i + 1] : '\0';
            if (char.IsHighSurrogate(letter) && char.IsLowSurrogate(next)) shown.Append(letter).Append(text[++i]);
            else if (!IsHarmful(letter) || (keepLines && (letter is '\n' or '\t' || (letter == '\r' && next == '\n')))) shown.Append(
                letter);
            else shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");
        }

        return shown.ToString();
    }

    // Control characters, marks and overrides of direction, separators of lines, halves of a pair.
    private static bool IsHarmful(char letter) =>
        char.IsControl(letter) || char.IsSurrogate(letter)
        || letter is '\u061C' or '\u200E' or '\u200F' or '\u2028' or '\u2029' or (>= '\u202A' and <= '\u202E') or (
            >= '\u2066' and <= '\u2069');
}
