namespace XSepConv.Training;

/// <summary>An image file and its class.</summary>
/// <param name="Name">Its path within the data set, with forward slashes.</param>
/// <param name="File">Where it is.</param>
/// <param name="Label">An index into the class names.</param>
internal sealed record LabelledFile(string Name, FileInfo File, int Label);

/// <summary>
/// Finds the images of a folder: <c>class/….png</c>, or that below <c>train</c>, <c>val</c> (or <c>validation</c>, <c>valid</c>) and <c>test</c>.
/// A class is a folder; its images may lie at any depth.
/// </summary>
internal sealed class ImageFolder
{
    private const int MostFiles = 5_000_000;

    // Depth of the folders below a class: more is a link that leads back.
    private const int MostDepth = 16;

    private static readonly string[] Read = [".png", ".jpg", ".jpeg"];
    private static readonly string[] NotRead = [".bmp", ".gif", ".webp", ".tif", ".tiff", ".heic", ".avif", ".jp2", ".ppm"];
    private static readonly string[][] SplitNames = [["train"], ["val", "validation", "valid"], ["test"]];

    private ImageFolder(IReadOnlyList<string> classNames, IReadOnlyList<LabelledFile>[] files, bool isSplit) => (ClassNames, Files, IsSplit) = (classNames, files, isSplit);

    /// <summary>The names of the folders, in ordinal order.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Training, validation and test images, each in ordinal order of their names; all are in the first where the folder is not split.</summary>
    public IReadOnlyList<LabelledFile>[] Files { get; }

    /// <summary>Whether there are train, val and test folders.</summary>
    public bool IsSplit { get; }

    /// <summary>Looks through a folder.</summary>
    /// <exception cref="InvalidDataException">It holds no two classes, a class without images, images that are not read, or another class in val or test than in train.</exception>
    public static ImageFolder Find(string root, CancellationToken cancel)
    {
        var splits = SplitNames.Select(names => names.Select(name => Path.Combine(root, name)).FirstOrDefault(Directory.Exists)).ToArray();
        if (splits[0] is null)
        {
            if (splits[1] is not null || splits[2] is not null) throw new InvalidDataException($"{root}: has a folder {Path.GetFileName(splits[1] ?? splits[2])} but none called train.");
            splits = [root, null, null];
        }

        var names = ClassesOf(splits[0]!);
        if (names.Count < 2) throw new InvalidDataException($"{splits[0]}: holds {names.Count} folders with images; one for each class, two at least, are right.");
        var files = splits.Select(split => split is null ? [] : FilesOf(root, split, names, cancel)).ToArray();
        return new ImageFolder(names, files, isSplit: splits[0] != root);
    }

    private static List<string> ClassesOf(string split) =>
        [.. Directory.EnumerateDirectories(split).Select(path => Path.GetFileName(path)).Where(name => !name.StartsWith('.')).Order(StringComparer.Ordinal)];

    private static List<LabelledFile> FilesOf(string root, string split, List<string> names, CancellationToken cancel)
    {
        var others = ClassesOf(split).Except(names).ToList();
        if (others.Count > 0) throw new InvalidDataException($"{split}: has the class '{others[0]}', which train does not have.");
        var files = new List<LabelledFile>();
        for (var label = 0; label < names.Count; label++)
        {
            var folder = new DirectoryInfo(Path.Combine(split, names[label]));
            var before = files.Count;
            if (folder.Exists)
            {
                foreach (var file in folder.EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = MostDepth }))
                {
                    cancel.ThrowIfCancellationRequested();
                    var extension = file.Extension.ToLowerInvariant();
                    if (NotRead.Contains(extension)) throw new InvalidDataException($"{file.FullName}: {extension} files are not read; convert it to PNG or JPEG, or move it away.");
                    if (!Read.Contains(extension)) continue;
                    if (files.Count == MostFiles) throw new InvalidDataException($"{split}: holds more than {MostFiles} images.");
                    files.Add(new(Path.GetRelativePath(root, file.FullName).Replace(Path.DirectorySeparatorChar, '/'), file, label));
                }
            }

            if (files.Count == before && split == root) throw new InvalidDataException($"{folder.FullName}: holds no PNG or JPEG file.");
        }

        files.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return files;
    }
}
