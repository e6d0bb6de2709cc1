namespace XSepConv.Training;

/// <summary>Why a class is not known whose name reads like one that is.</summary>
internal static class Likeness
{
    /// <summary>In brackets, with a space before it; empty where the names do not read alike.</summary>
    public static string Hint(string name, IEnumerable<string> known)
    {
        if (known.FirstOrDefault(other => string.Equals(name, other, StringComparison.OrdinalIgnoreCase)) is { } near)
        {
            return $" (it has '{near}'; upper and lower case count)";
        }

        return name.All(char.IsAscii)
            ? ""
            : " (names are compared character by character; archives from macOS store an accent as a character of its own)";
    }
}
