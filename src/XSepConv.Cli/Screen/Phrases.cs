namespace XSepConv.Cli.Screen;

/// <summary>Lines that are broken between phrases, so that no figure is torn from its name.</summary>
internal static class Phrases
{
    private const string Indent = "   ";

    /// <summary>As few lines as there is room for; the second and later ones are indented.</summary>
    public static IEnumerable<string> Lines(int width, params IEnumerable<string> phrases)
    {
        var line = "";
        foreach (var phrase in phrases)
        {
            if (line.Length > 0 && line.Length + phrase.TrimEnd().Length > width)
            {
                yield return line.TrimEnd();
                line = Indent;
            }

            line += phrase;
        }

        yield return line.TrimEnd();
    }
}
