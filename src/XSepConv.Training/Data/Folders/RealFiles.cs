namespace XSepConv.Training;

/// <summary>Sees that a file is one image, however many names links give it.</summary>
internal static class RealFiles
{
    /// <summary>Leaves out second names of a file within a class and split.</summary>
    /// <exception cref="InvalidDataException">A file is in two classes, or in two splits.</exception>
    public static void Once(List<LabelledFile>[] files, IReadOnlyList<string> classNames, string root, LeftOutList leftOut)
    {
        var known = new Dictionary<string, (LabelledFile File, int Split)>(StringComparer.Ordinal);
        for (var split = 0; split < files.Length; split++)
        {
            var kept = new List<LabelledFile>(files[split].Count);
            foreach (var file in files[split])
            {
                if (known.TryAdd(file.File.RealPath, (file, split)))
                {
                    kept.Add(file);
                    continue;
                }

                var (first, firstSplit) = known[file.File.RealPath];
                if (first.Label == file.Label && firstSplit == split)
                {
                    leftOut.Add("second name of a picture (a link)", file.Name);
                    continue;
                }

                var what = first.Label == file.Label
                    ? "of two splits, so that what was learned would be measured"
                    : $"of two classes, '{classNames[first.Label]}' and '{classNames[file.Label]}'";
                throw new InvalidDataException(
                    $"{root}: '{first.Name}' and '{file.Name}' are the same file by a link, {what}. Remove one of the links.");
            }

            files[split] = kept;
        }
    }
}
