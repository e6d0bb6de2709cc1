namespace XSepConv.Training;

/// <summary>Guesses which name was meant.</summary>
internal static class Nearest
{
    /// <summary>The known name that begins with what was typed, else the closest to it, or null if none is close.</summary>
    public static string? To(string typed, IEnumerable<string> known)
    {
        bool Begins(string name) => name.StartsWith(typed, StringComparison.OrdinalIgnoreCase);
        if (typed.Length >= 3 && known.FirstOrDefault(Begins) is { } whole) return whole;
        var best = known
            .Select(name => (Name: name, Distance: Distance(typed.ToUpperInvariant(), name.ToUpperInvariant())))
            .OrderBy(candidate => candidate.Distance)
            .FirstOrDefault();
        if (best.Name is null) return null;

        // Of two or three letters one may be wrong, of one letter none: -b is not what -e was meant to be.
        var letters = Math.Min(typed.TrimStart('-').Length, best.Name.TrimStart('-').Length);
        var allowed = letters < 4 ? letters / 2 : Math.Max(2, letters / 3);
        return best.Distance <= allowed ? best.Name : null;
    }

    /// <summary><c> Did you mean 'x'?</c>, or nothing.</summary>
    public static string Hint(string typed, IEnumerable<string> known) => To(typed, known) is { } name ? $" Did you mean '{name}'?" : "";

    /// <summary>How many letters to insert, delete, replace or swap with their neighbour.</summary>
    internal static int Distance(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        // Names are short; a very long argument is near to none of them.
        if (a.Length > 100 || b.Length > 100) return int.MaxValue;
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) rows[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) rows[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                rows[i, j] = Math.Min(replace, Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[a.Length, b.Length];
    }
}
