namespace XSepConv.Training;

/// <summary>The folders of a folder that are called like splits.</summary>
internal sealed record SplitFolders(FolderTree? Train, FolderTree? Validation, FolderTree? Test)
{
    /// <summary>
    /// Takes a name for that of a split where it says nothing else (<c>Train</c>, <c>test_set</c>), or where the same is left of the name
    /// of another split (<c>seg_train</c> beside <c>seg_test</c>, but not a class <c>bullet_train</c>).
    /// </summary>
    /// <param name="folder">With the splits in it.</param>
    /// <returns>Null where there are none.</returns>
    /// <exception cref="InvalidDataException">Two folders are the same split, or there are splits and others.</exception>
    public static SplitFolders? Of(FolderTree folder, FolderLayout layout, LeftOutList leftOut)
    {
        var named = folder.WithPictures.Select(f => (Folder: f, Name: SplitName.Of(f.Name))).ToList();
        var rests = named.Where(f => f.Name is { Word: not SplitWord.Unlabelled }).GroupBy(f => f.Name!.Rest)
            .Where(group => group.Select(f => f.Name!.Word).Distinct().Count() > 1).Select(group => group.Key).Append("").ToHashSet();
        var splits = named.Where(f => f.Name is { Word: not SplitWord.Unlabelled } name && rests.Contains(name.Rest)).ToList();
        if (splits.Count == 0) return null;
        var unlabelled = named.Where(
            f => f.Name is { Word: SplitWord.Unlabelled } name && splits.Exists(split => split.Name!.Rest == name.Rest)).ToList();
        var others = named.Select(f => f.Folder).Except(splits.Concat(unlabelled).Select(f => f.Folder)).ToList();
        if (others.Count > 0 && layout == FolderLayout.Auto)
        {
            throw new InvalidDataException(
                $"{folder.FullName}: holds {FolderDivision.Names([.. splits.Select(f => f.Folder)])}, called like splits, "
                + $"beside {FolderDivision.Names(others)}. "
                + "--layout flat takes all of them for classes, --layout splits leaves the others out; "
                + "or name the folder with the splits as the data root.");
        }

        foreach (var group in splits.GroupBy(f => f.Name!.Word).Where(group => group.Count() > 1))
        {
            throw new InvalidDataException(
                $"{folder.FullName}: {FolderDivision.Names([.. group.Select(f => f.Folder)])} are all called like the split "
                + $"'{group.Key.ToString().ToLowerInvariant()}'; one of them is right. --layout flat takes them for classes.");
        }

        FolderDivision.LeaveBeside(folder, [.. splits.Concat(unlabelled).Select(f => f.Folder)], leftOut);
        foreach (var (pictures, _) in unlabelled) leftOut.Add($"picture without a class, in '{pictures.Name}'", pictures.AllPictures());
        var byWord = splits.ToDictionary(f => f.Name!.Word, f => f.Folder);

        // "Evaluation" is the test split, unless another is.
        var evaluation = byWord.GetValueOrDefault(SplitWord.Evaluation);
        var (validation, test) = (byWord.GetValueOrDefault(SplitWord.Validation), byWord.GetValueOrDefault(SplitWord.Test));
        if (evaluation is not null && validation is not null && test is not null)
        {
            throw new InvalidDataException(
                $"{folder.FullName}: holds {FolderDivision.Names([validation, test, evaluation])}; "
                + "one folder to validate and one to test are right. Move one away.");
        }

        return new(byWord.GetValueOrDefault(SplitWord.Train), validation ?? (test is null ? null : evaluation), test ?? evaluation);
    }
}
