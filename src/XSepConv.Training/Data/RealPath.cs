namespace XSepConv.Training;

/// <summary>Paths without links in them: two names of one file have the same.</summary>
internal static class RealPath
{
    // As many as Linux follows.
    private const int MostLinks = 40;

    // As their file systems are made unless asked otherwise.
    private static bool IgnoresCase => OperatingSystem.IsWindows() || OperatingSystem.IsMacOS();

    /// <summary>Whether two paths lead to one file or folder that is there.</summary>
    public static bool AreOne(string first, string second) => Of(first) is { } one && Of(second) is { } other
        && string.Equals(one, other, IgnoresCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);

    /// <summary>Where a path, which need not be there, lies in a folder: <c>.</c> for the folder itself; null outside of it.</summary>
    public static string? Within(string folder, string path)
    {
        var (at, below) = (Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), "");
        string? real;
        while ((real = Of(at)) is null && Path.GetDirectoryName(at) is { } above)
        {
            (at, below) = (above, Path.Combine(Path.GetFileName(at), below));
        }

        if (real is null || Of(folder) is not { } root) return null;
        var inner = Path.TrimEndingDirectorySeparator(Path.GetRelativePath(root, Path.Combine(real, below)));
        return Path.IsPathRooted(inner) || inner.Split(Path.DirectorySeparatorChar)[0] == ".." ? null : inner;
    }

    /// <summary>The path with every link resolved; null where a link leads nowhere, or back to itself.</summary>
    public static string? Of(string path)
    {
        var left = new Stack<string>();
        var full = Path.GetFullPath(path);
        var here = Path.GetPathRoot(full)!;
        Push(full[here.Length..]);
        for (var links = 0; left.TryPop(out var part);)
        {
            var next = Path.Combine(here, part);
            if (RegularFile.LinkTarget(next) is not { } target)
            {
                here = next;
                continue;
            }

            if (++links > MostLinks) return null;
            var absolute = Path.GetFullPath(target, here);
            here = Path.GetPathRoot(absolute)!;
            Push(absolute[here.Length..]);
        }

        return Path.Exists(here) ? here : null;

        void Push(string relative)
        {
            foreach (var part in relative.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                left.Push(part);
            }
        }
    }
}
