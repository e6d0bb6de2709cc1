namespace XSepConv.Training;

/// <summary>
/// Looks through a data root once: links are followed to what they name, folders that lead back into themselves are cut off, and only what
/// may be a picture and is an ordinary file is ever opened.
/// </summary>
internal sealed class FolderScan
{
    private const int MostEntries = 5_000_000;
    private const int MostDepth = 32;

    private static readonly string[] SystemNames =
    [
        "__MACOSX", "@eaDir", "#recycle", "#snapshot", "$RECYCLE.BIN", "System Volume Information", "lost+found", "__pycache__",
        "Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon\r",
    ];

    // Whatever the system calls hidden is named, and so is what may not be read.
    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    private readonly LeftOutList _leftOut;
    private readonly string _root;
    private readonly CancellationToken _cancel;
    private readonly HashSet<string> _linked = new(StringComparer.Ordinal);
    private int _entries;
    private int _linksAbove;
    private bool _hasLinks;

    private FolderScan(string root, LeftOutList leftOut, CancellationToken cancel) => (_root, _leftOut, _cancel) = (root, leftOut, cancel);

    /// <summary>All pictures below a folder; what is none is added to <paramref name="leftOut"/>.</summary>
    /// <param name="hasLinks">Whether there is a link anywhere: only then can two names be one file.</param>
    /// <exception cref="InvalidDataException">There is far too much, or a folder has a name that can't be typed.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be read.</exception>
    public static FolderTree Of(string root, LeftOutList leftOut, CancellationToken cancel, out bool hasLinks)
    {
        var scan = new FolderScan(root, leftOut, cancel);
        var tree = new FolderTree(Path.GetFileName(root.TrimEnd(Path.DirectorySeparatorChar)), root, RealPath.Of(root) ?? root);
        scan.Fill(tree, "", [tree.RealPath]);
        hasLinks = scan._hasLinks;
        return tree;
    }

    private void Fill(FolderTree folder, string prefix, List<string> above)
    {
        var entries = new DirectoryInfo(folder.FullName).GetFileSystemInfos("*", Everything);
        Array.Sort(entries, (a, b) => string.CompareOrdinal(a.Name, b.Name));
        foreach (var entry in entries)
        {
            _cancel.ThrowIfCancellationRequested();
            if (++_entries > MostEntries) throw new InvalidDataException($"{_root}: holds more than {MostEntries} files and folders.");
            Add(folder, entry, prefix + entry.Name, above);
        }
    }

    private void Add(FolderTree folder, FileSystemInfo entry, string name, List<string> above)
    {
        if (entry.Name.Contains('\uFFFD', StringComparison.Ordinal) && !Path.Exists(entry.FullName))
        {
            AddUntypeable(folder, entry, name);
            return;
        }

        var link = entry.Attributes.HasFlag(FileAttributes.ReparsePoint) ? entry.LinkTarget : null;
        _hasLinks |= link is not null;
        var real = link is null ? Path.Combine(folder.RealPath, entry.Name) : RealPath.Of(entry.FullName);
        var isFolder = link is null ? entry is DirectoryInfo : Directory.Exists(real);
        if (IsUnwanted(entry) is { } reason) _leftOut.Add(isFolder ? $"folder of a system or hidden ({entry.Name})" : reason, name);
        else if (real is null)
        {
            AddFile(folder, name, entry.Extension, entry.FullName, default, default, $"is a link to '{link}', which leads nowhere");
        }
        else if (isFolder) AddFolder(folder, entry.Name, name, real, above, isLink: link is not null);
        else AddFile(folder, entry, name, real, isLink: link is not null);
    }

    private void AddFolder(FolderTree folder, string ownName, string name, string real, List<string> above, bool isLink)
    {
        if (above.Contains(real) || above.Exists(over => over.StartsWith(WithSeparator(real), StringComparison.Ordinal)))
        {
            _leftOut.Add("link that leads back to a folder it lies in", name);
            return;
        }

        // Folders full of links to each other have more ways through them than anyone can walk.
        if (isLink && !_linked.Add(real) && _linksAbove > 0)
        {
            _leftOut.Add("second way to a folder, by links", name);
            return;
        }

        if (above.Count > MostDepth)
        {
            _leftOut.Add(FormattableString.Invariant($"folder more than {MostDepth} deep"), name);
            return;
        }

        var inner = new FolderTree(ownName, Path.Combine(folder.FullName, ownName), real);
        try
        {
            _linksAbove += isLink ? 1 : 0;
            Fill(inner, name + "/", [.. above, real]);
            folder.Folders.Add(inner);
        }
        catch (UnauthorizedAccessException)
        {
            folder.Pictures.Add(new(name, real, 0, default, "is a folder that may not be read"));
        }
        finally
        {
            _linksAbove -= isLink ? 1 : 0;
        }
    }

    private void AddFile(FolderTree folder, FileSystemInfo entry, string name, string real, bool isLink)
    {
        var file = isLink || entry is not FileInfo info ? new FileInfo(real) : info;
        var kind = PictureKind.OfExtension(entry.Extension);
        string? problem = null;
        if (NoRegularFile(real, file) is { } other)
        {
            problem = other;
        }
        else if (kind is not null)
        {
            problem = PictureKind.IsRead(kind) ? null : $"is a {kind} file; PNG and JPEG are read";
        }
        else if (PictureKind.MayHide(entry.Extension) && ContentOf(real) is { } hidden)
        {
            kind = hidden;
            problem = $"is a {hidden} file that is not called so; "
                + $"{(PictureKind.IsRead(hidden) ? $"rename it to .{hidden.ToLowerInvariant()}" : "PNG and JPEG are read")}";
        }

        if (kind is null) _leftOut.Add(problem is null ? Named(entry.Extension) : $"{problem["is ".Length..]}", name);
        else folder.Pictures.Add(new(name, real, file.Length, file.LastWriteTimeUtc, problem));
    }

    private void AddFile(FolderTree folder, string name, string extension, string path, long length, DateTime changed, string problem)
    {
        if (PictureKind.OfExtension(extension) is not null || extension.Length == 0)
        {
            folder.Pictures.Add(new(name, path, length, changed, problem));
        }
        else _leftOut.Add(Named(extension), name);
    }

    private void AddUntypeable(FolderTree folder, FileSystemInfo entry, string name)
    {
        if (entry is DirectoryInfo)
        {
            throw new InvalidDataException(
                $"{folder.FullName}: holds a folder whose name is not UTF-8, shown as '{entry.Name}'; "
                + "rename it (for example with convmv).");
        }

        AddFile(folder, name, Path.GetExtension(entry.Name), entry.FullName, 0, default, "has a name that is not UTF-8; rename it");
    }

    /// <summary>What an entry is that is no regular file with bytes in it; it is never opened.</summary>
    private static string? NoRegularFile(string real, FileInfo file) => FileKinds.Of(real) switch
    {
        FileKind.Regular or FileKind.Unknown => file.Length == 0 ? "is empty" : null,
        var kind => $"is {kind.Describe()}",
    };

    private static string? ContentOf(string path)
    {
        try
        {
            using var file = RegularFile.OpenHandle(path);
            Span<byte> first = stackalloc byte[PictureKind.FirstBytes];
            return PictureKind.OfContent(first[..RandomAccess.Read(file, first, 0)]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return null;
        }
    }

    private static string? IsUnwanted(FileSystemInfo entry) =>
        entry.Name.StartsWith("._", StringComparison.Ordinal) ? "resource fork of macOS, no picture"
        : SystemNames.Contains(entry.Name, StringComparer.OrdinalIgnoreCase) ? $"file of a system ({entry.Name.TrimEnd()})"
        : entry.Name.StartsWith('.') || entry.Attributes.HasFlag(FileAttributes.Hidden) ? "hidden file"
        : null;

    private static string Named(string extension) =>
        extension.Length == 0 ? "file without an extension, no picture" : $"{extension}, no picture";

    private static string WithSeparator(string path) =>
        path.EndsWith(Path.DirectorySeparatorChar) ? path : path + Path.DirectorySeparatorChar;
}
