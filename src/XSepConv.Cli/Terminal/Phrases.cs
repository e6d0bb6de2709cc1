namespace XSepConv.Cli.Terminal;

/// <summary>Lines that are broken between phrases, so that no figure is torn from its name.</summary>
internal static class Phrases
{
    public const string Indent = "   ";

    /// <summary>
    /// As few lines as there is room for; the second and later ones are indented. A phrase that is longer than a line is left whole.
    /// </summary>
    public static IEnumerable<string> Lines(int width, params IEnumerable<string> phrases)
    {
        var line = "";
        foreach (var phrase in phrases)
        {
            if (line.AsSpan().Trim().Length > 0 && line.Length + phrase.TrimEnd().Length > width)
            {
                yield return line.TrimEnd();
                line = Indent;
            }

            line += phrase;
        }

        yield return line.TrimEnd();
    }

    /// <summary>The words of a text, to be kept whole: a path that is torn can't be copied.</summary>
    public static IEnumerable<string> Words(string text) =>
        text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word + ' ');
}
