using static System.FormattableString;

namespace XSepConv;

/// <summary>Lists for messages: whatever is listed, a message stays short enough to be read.</summary>
internal static class Listing
{
    private const int Most = 10;
    private const int MostSizes = 8;

    /// <summary>The first ten, and how many more there are.</summary>
    public static string Of(IEnumerable<string> items, string separator = "; ")
    {
        var (shown, count) = (new List<string>(), 0);
        foreach (var item in items)
        {
            if (count++ < Most) shown.Add(item);
        }

        var text = string.Join(separator, shown);
        return count <= Most ? text : Invariant($"{text}{separator}and {count - Most:N0} more");
    }

    /// <summary>A shape such as <c>[8, 2, 1, 1]</c>.</summary>
    public static string Shape(IReadOnlyList<long> sizes) =>
        Invariant($"[{string.Join(", ", sizes.Take(MostSizes))}{(sizes.Count > MostSizes ? $", … {sizes.Count:N0} sizes" : "")}]");
}
