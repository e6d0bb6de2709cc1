using System.Diagnostics.CodeAnalysis;

namespace XSepConv.Training;

/// <summary>Which folders of a tree are splits, and which are classes.</summary>
/// <param name="Train">The folder with the classes to learn; the data root where it is not split.</param>
/// <param name="Validation">Null for none.</param>
/// <param name="Test">Null for none.</param>
internal sealed record FolderDivision(FolderTree? Train, FolderTree? Validation, FolderTree? Test, bool IsSplit)
{
    // Names of folders with pictures of what is to be found in other pictures.
    private static readonly string[] MaskNames =
        ["mask", "masks", "label", "labels", "annotation", "annotations", "segmentation", "segmentations", "segmentationclass",
            "groundtruth", "ground_truth", "gt", "trimap", "trimaps"];

    private static readonly string[] PictureNames =
        ["image", "images", "img", "imgs", "picture", "pictures", "photo", "photos", "jpegimages", "input", "inputs"];

    /// <summary>Decides by the folders' names, or as told.</summary>
    /// <param name="isClass">Whether a name is known to be that of a class.</param>
    /// <param name="leftOut">Takes what lies beside.</param>
    /// <exception cref="InvalidDataException">
    /// It can be read in two ways, or in none; the message says what was seen and what to do.
    /// </exception>
    public static FolderDivision Of(FolderTree root, FolderLayout layout, Func<string, bool> isClass, LeftOutList leftOut)
    {
        if (layout == FolderLayout.Flat) return new(root, null, null, false);
        var top = Unwrapped(root, isClass, leftOut);
        if (SplitFolders.Of(top, layout, leftOut) is not { } splits)
        {
            if (layout == FolderLayout.Splits)
            {
                throw new InvalidDataException(
                    $"{top.FullName}: has no folders for splits (train, val, test, however spelt) among {Names(top.Folders)}; "
                    + "--layout flat takes every folder for a class.");
            }

            RefuseAmbiguous(top, "--layout flat");
            return new(top, null, null, false);
        }

        var train = Unwrapped(splits.Train, isClass, leftOut);
        Func<string, bool> isKnown = name => isClass(name) || train?.Folders.Exists(folder => folder.Name == name) == true;
        var division = new FolderDivision(
            train, Unwrapped(splits.Validation, isKnown, leftOut), Unwrapped(splits.Test, isKnown, leftOut), true);
        if (layout == FolderLayout.Auto && train is not null) RefuseAmbiguous(train, "--layout splits");
        return division;
    }

    /// <summary>
    /// The folder that everything lies in, as in archives of <c>flowers/flowers/rose/…</c>: the only one with pictures, with several such
    /// folders in it (or with its parent's name, again).
    /// </summary>
    [return: NotNullIfNotNull(nameof(folder))]
    private static FolderTree? Unwrapped(FolderTree? folder, Func<string, bool> isClass, LeftOutList leftOut)
    {
        while (folder?.WithPictures is [var only])
        {
            var isCopyOfName = string.Equals(only.Name, folder.Name, StringComparison.OrdinalIgnoreCase) && only.WithPictures.Count > 0;
            var isSplit = SplitName.Of(only.Name) is { IsPlain: true } && !isCopyOfName;
            if (isClass(only.Name) || isSplit
                || (only.WithPictures.Count < 2 && !isCopyOfName && only.WithPictures is not [{ WithPictures.Count: > 0 }]))
            {
                break;
            }

            LeaveBeside(folder, [only], leftOut);
            folder = only;
        }

        return folder;
    }

    /// <summary>Notes what lies beside the folders that are used.</summary>
    internal static void LeaveBeside(FolderTree folder, IReadOnlyCollection<FolderTree> used, LeftOutList leftOut)
    {
        leftOut.Add("picture in no class's folder", folder.Pictures);
        foreach (var other in folder.Folders.Except(used))
        {
            if (other.HoldsPictures) leftOut.Add($"picture in '{other.Name}', which is no split", other.AllPictures());
            else leftOut.Add("folder without pictures", other.Name);
        }
    }

    private static void RefuseAmbiguous(FolderTree folder, string asTyped)
    {
        // What is to be found in the pictures may be in files of text.
        var all = folder.Folders;
        if (all.Count > 1 && all.TrueForAll(f => IsOneOf(MaskNames, f) || IsOneOf(PictureNames, f))
            && all.Exists(f => IsOneOf(MaskNames, f)))
        {
            throw new InvalidDataException(
                $"{folder.FullName}: holds {Names(all)}, which looks like pictures and what is to be found in them, not like classes; "
                + $"one folder for each class is right. {asTyped} takes each of them for a class.");
        }

        var folders = folder.WithPictures;
        if (folders.Count < 2) return;

        var inner = folders.ConvertAll(f => f.WithPictures.ConvertAll(child => child.Name));
        var shared = inner.Aggregate(
            (IEnumerable<string>)inner[0], (names, others) => names.Intersect(others, StringComparer.OrdinalIgnoreCase)).ToList();
        if (shared.Count >= 2)
        {
            throw new InvalidDataException(
                $"{folder.FullName}: {Names(folders)} all hold the same folders ({Few(shared)}), so these may be the classes, "
                + "and those not. Name the one to use as the data root, or put all pictures of a class into one folder; "
                + $"{asTyped} takes {Few(folders.ConvertAll(f => f.Name))} for classes all the same.");
        }

        foreach (var (copy, names) in folders.Zip(inner))
        {
            var beside = folders.Where(f => f != copy).Select(f => f.Name).ToList();
            if (beside.Count >= 2 && beside.TrueForAll(name => names.Contains(name, StringComparer.OrdinalIgnoreCase)))
            {
                throw new InvalidDataException(
                    $"{copy.FullName}: holds folders of the same names as beside it ({Few(beside)}): the set a second time. Move it away, "
                    + $"or name it as the data root; {asTyped} takes it for a class.");
            }
        }
    }

    /// <summary>Folders by name, in quotation marks.</summary>
    internal static string Names(IReadOnlyCollection<FolderTree> folders) => Few([.. folders.Select(folder => folder.Name)]);

    internal static string Few(IReadOnlyCollection<string> names, int most = 5) =>
        string.Join(", ", names.Take(most).Select(name => $"'{name}'"))
        + (names.Count > most ? FormattableString.Invariant($", … ({names.Count} in all)") : "");

    private static bool IsOneOf(string[] names, FolderTree folder) => names.Contains(folder.Name, StringComparer.OrdinalIgnoreCase);
}
