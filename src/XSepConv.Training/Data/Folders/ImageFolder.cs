namespace XSepConv.Training;

/// <summary>An image file and its class.</summary>
/// <param name="File">Where it is.</param>
/// <param name="Label">An index into the class names.</param>
internal sealed record LabelledFile(PictureFile File, int Label)
{
    /// <summary>Its path within the data set, with forward slashes.</summary>
    public string Name => File.Name;

    /// <summary>Its path from the class's folder up, which does not depend on where the data root lies.</summary>
    public required string FromClass { get; init; }
}

/// <summary>
/// The images of a folder: <c>class/….png</c>, or that below folders for the splits. A class is a folder; its images may lie at any depth.
/// </summary>
/// <param name="ClassNames">The names of the folders, in ordinal order.</param>
/// <param name="Files">
/// Training, validation and test images, each in ordinal order of their names; all are in the first where the folder is not split.
/// </param>
/// <param name="Unreadable">Pictures of these classes that can't be read, as is known before it is tried.</param>
/// <param name="LeftOut">What is not among the images, and why.</param>
internal sealed record ImageFolder(
    IReadOnlyList<string> ClassNames,
    IReadOnlyList<LabelledFile>[] Files,
    IReadOnlyList<UnreadableFile> Unreadable,
    IReadOnlyList<LeftOutFiles> LeftOut,
    IReadOnlyList<string> Notes,
    bool IsSplit)
{
    /// <summary>Looks through a folder that is to be learned from.</summary>
    /// <exception cref="InvalidDataException">
    /// It holds no two classes, a class without images, or another class in val or test than in train, or can be read in two ways.
    /// </exception>
    public static ImageFolder ToLearn(string root, FolderLayout layout, CancellationToken cancel)
    {
        var leftOut = new LeftOutList();
        var tree = FolderScan.Of(root, leftOut, cancel, out var hasLinks);
        var division = FolderDivision.Of(tree, layout, _ => false, leftOut);
        if (division.Train is not { } train)
        {
            throw new InvalidDataException($"{root}: has a folder {(division.Validation ?? division.Test)!.Name} but none called train.");
        }

        var names = train.Folders.ConvertAll(folder => folder.Name);
        if (train.Folders.Find(folder => !folder.HoldsPictures) is { } empty)
        {
            throw new InvalidDataException(
                $"{empty.FullName}: holds no PNG or JPEG file; put pictures of the class there, or move it away.");
        }

        if (names.Count < 2)
        {
            var direct = train.Pictures.Count == 0
                ? ""
                : FormattableString.Invariant($" {train.Pictures.Count} pictures lie directly in it, which says no class.");
            throw new InvalidDataException(
                $"{train.FullName}: holds {names.Count} folders with images; one for each class, two at least, are right.{direct}");
        }

        foreach (var split in new[] { division.Validation, division.Test }.OfType<FolderTree>())
        {
            if (split.WithPictures.Find(folder => !names.Contains(folder.Name)) is { } other)
            {
                throw new InvalidDataException(
                    $"{split.FullName}: has the class '{other.Name}', which train does not have{Likeness.Hint(other.Name, names)}.");
            }
        }

        return Of(root, names, division, leftOut, hasLinks);
    }

    /// <summary>Looks through a folder that a network is to be measured on: any classes, any splits.</summary>
    /// <param name="known">The names of the network's classes.</param>
    /// <exception cref="InvalidDataException">It holds no class, or can be read in two ways.</exception>
    public static ImageFolder ToMeasure(string root, FolderLayout layout, IReadOnlyCollection<string> known, CancellationToken cancel)
    {
        var leftOut = new LeftOutList();
        var tree = FolderScan.Of(root, leftOut, cancel, out var hasLinks);
        var division = FolderDivision.Of(tree, layout, known.Contains, leftOut);
        var splits = Splits(division).OfType<FolderTree>().ToList();
        List<string> names =
            [.. splits.SelectMany(split => split.WithPictures).Select(folder => folder.Name).Distinct().Order(StringComparer.Ordinal)];
        if (names.Count == 0)
        {
            var direct = splits.Sum(split => split.Pictures.Count);
            throw new InvalidDataException(
                FormattableString.Invariant(
                    $"{root}: holds no folder with images, and {direct} pictures without one; a folder for each class is right."));
        }

        return Of(root, names, division, leftOut, hasLinks);
    }

    private static FolderTree?[] Splits(FolderDivision division) => [division.Train, division.Validation, division.Test];

    private static ImageFolder Of(string root, List<string> names, FolderDivision division, LeftOutList leftOut, bool hasLinks)
    {
        var notes = new List<string>();
        var unreadable = new List<UnreadableFile>();
        var files = Splits(division).Select(split => split is null ? [] : FilesOf(split)).ToArray();
        if (hasLinks) RealFiles.Once(files, names, root, leftOut);
        return new(names, files, unreadable, leftOut.ToList(), notes, division.IsSplit);

        List<LabelledFile> FilesOf(FolderTree split)
        {
            RefuseDanglingClass(split);
            if (!division.IsSplit && split.FullName != root) notes.Add($"the classes are the folders of {split.FullName}.");
            FolderDivision.LeaveBeside(split, split.Folders.FindAll(folder => names.Contains(folder.Name)), leftOut);
            var found = new List<LabelledFile>();
            var above = split.FullName == root ? 0 : Path.GetRelativePath(root, split.FullName).Length + 1;
            foreach (var folder in split.Folders)
            {
                var label = names.IndexOf(folder.Name);
                foreach (var picture in folder.AllPictures())
                {
                    if (picture.Problem is { } problem) unreadable.Add(new(picture.Name, problem));
                    else found.Add(new(picture, label) { FromClass = picture.Name[above..] });
                }
            }

            found.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
            return found;
        }
    }

    private static void RefuseDanglingClass(FolderTree split)
    {
        if (split.Pictures.Find(picture => picture is { Problem: not null, Length: 0 }
            && Path.GetExtension(picture.Name).Length == 0) is { } dangling)
        {
            throw new InvalidDataException(
                $"{Path.Combine(split.FullName, Path.GetFileName(dangling.Name))}: {dangling.Problem}. Where a class's folder is due, "
                + "that can't be left out; mend or remove it.");
        }
    }
}
