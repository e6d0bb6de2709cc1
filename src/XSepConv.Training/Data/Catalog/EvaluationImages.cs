using System.Globalization;

namespace XSepConv.Training;

/// <summary>Which images are measured on.</summary>
internal enum EvaluatedSplit
{
    All,

    Train,

    /// <summary>Those that pick the best epoch.</summary>
    Val,

    Test,
}

/// <summary>Images to measure a network on. Their labels are the network's: classes are matched by name.</summary>
internal sealed record EvaluationImages(
    ImageSplit Images, EvaluatedSplit Split, string Name, string Source, bool IsSynthetic, DatasetFindings Findings)
{
    private const int MostKnown = 20;

    /// <summary>Whether test images are those of a checkpoint's digest; null for other splits, and where they come from no files.</summary>
    public Func<string, bool>? AreTestImages { get; private init; }

    /// <summary>The test split of a data set.</summary>
    /// <exception cref="InvalidDataException">It has classes that the network does not know.</exception>
    public static EvaluationImages Of(ImageDataset data, IReadOnlyList<string> known) =>
        new(
            Relabelled(
                data.Test, data.ClassNames, known,
                data.Name), EvaluatedSplit.Test, data.Name, data.Source, data.IsSynthetic, data.Findings);

    /// <summary>Images of the user's own folder, which need not have all classes, nor splits.</summary>
    /// <param name="split">Which; the test split where there is one, else all, when null.</param>
    /// <param name="known">The names of the network's classes.</param>
    /// <exception cref="ArgumentException">There is no data root, or an option is out of range.</exception>
    /// <exception cref="InvalidDataException">
    /// There are no such images, or images that can't be read, or classes that the network does not know.
    /// </exception>
    public static EvaluationImages OfFolder(
        DatasetOptions options, EvaluatedSplit? split, IReadOnlyList<string> known,
        IProgress<DatasetProgress>? progress = null, CancellationToken cancel = default)
    {
        options.Validate();
        var root = FolderDataset.RootOf(options);
        var folder = ImageFolder.ToMeasure(root, options.Layout, known, cancel);
        var which =
            split ?? (folder.IsSplit
                && (folder.Files[1].Count > 0 || folder.Files[2].Count > 0) ? EvaluatedSplit.Test : EvaluatedSplit.All);
        int[] labels = [.. folder.Files.SelectMany(files => files).Select(file => file.Label)];
        RequireKnown(Places(folder, folder.Files, which, root).Select(place => labels[place]), folder.ClassNames, known, root);
        var decoded = DecodedFolder.Open(root, folder, options, progress, cancel);
        var places = Places(folder, decoded.Files, which, root);
        if (places.Length == 0)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture,
                $"{root}: has no image of the split '{which.ToString().ToLowerInvariant()}' that can be read: "
                + $"train has {decoded.Files[0].Count}, val {decoded.Files[1].Count}, test {decoded.Files[2].Count}."));
        }

        var file = decoded.Images.File;
        var all = new ImageSplit(decoded.Images, null, decoded.Images.Labels, file.Channels, file.Height, file.Width);
        string[] warnings =
        [
            .. folder.Notes, .. new[] { decoded.SizeNote }.OfType<string>(),
            .. EqualFiles.Warnings(decoded, [[.. Enumerable.Range(0, all.Count)]]),
            .. BalancedSubset.Warnings(options.Limit, folder.ClassNames.Count),
        ];
        return new(
            Relabelled(
                BalancedSubset.Of(all.Select(places), options.Limit), folder.ClassNames, known, root),
            which, FolderDataset.Name, root, false,
            new() { LeftOut = folder.LeftOut, Skipped = decoded.Skipped, Warnings = warnings })
        {
            AreTestImages = which == EvaluatedSplit.Test ? digest => FolderSplits.Are(decoded.Files, places, digest) : null,
        };
    }

    private static int[] Places(ImageFolder folder, IReadOnlyList<LabelledFile>[] files, EvaluatedSplit which, string root)
    {
        var (train, validation, test) = (files[0].Count, files[1].Count, files[2].Count);
        if (which == EvaluatedSplit.All) return Range(0, train + validation + test);
        if (folder.IsSplit)
        {
            // As in training: val without test is the test split.
            if (which == EvaluatedSplit.Val && validation > 0 && test == 0)
            {
                throw new InvalidDataException(
                    $"{root}: has no folder test, so that its folder val is the test split; the images that a run validates on are drawn "
                    + "by its seed from those of train. all, train and test are to be had.");
            }

            return which switch
            {
                EvaluatedSplit.Train => Range(0, train),
                EvaluatedSplit.Val => Range(train, validation),
                _ => test > 0 ? Range(train + validation, test) : Range(train, validation),
            };
        }

        if (which == EvaluatedSplit.Val)
        {
            throw new InvalidDataException(
                $"{root}: has no folder val; the images that a run validates on are drawn by its seed from those of the split train. all, "
                + "train and test are to be had.");
        }

        var kept = FolderSplits.TestOf(folder, files[0], root);
        return which == EvaluatedSplit.Test ? kept : [.. Range(0, train).Except(kept)];

        static int[] Range(int first, int count) => [.. Enumerable.Range(first, count)];
    }

    /// <summary>The same images with the network's labels.</summary>
    private static ImageSplit Relabelled(ImageSplit images, IReadOnlyList<string> names, IReadOnlyList<string> known, string what)
    {
        if (names.SequenceEqual(known)) return images;
        RequireKnown(images.Labels.ToArray(), names, known, what);
        var map = names.Select(name => known.Index().FirstOrDefault(entry => entry.Item == name).Index).ToArray();
        return images.Relabelled(label => map[label]);
    }

    private static void RequireKnown(IEnumerable<int> labels, IReadOnlyList<string> names, IReadOnlyList<string> known, string what)
    {
        var there = labels.Distinct().Select(label => names[label]).ToList();
        var unknown = there.Where(name => !known.Contains(name)).Order(StringComparer.Ordinal).ToList();
        if (unknown.Count > 0)
        {
            throw new InvalidDataException(
                $"{what}: "
                + "the network does not know "
                + $"{(unknown.Count == 1 ? "the class" : FormattableString.Invariant($"{unknown.Count} classes,"))} "
                + $"{FolderDivision.Few(unknown)}; "
                + $"it tells apart {FolderDivision.Few(known, MostKnown)}{(unknown.Count == 1 ? Likeness.Hint(unknown[0], known) : "")}.");
        }

        if (there.Find(name => known.Count(other => other == name) > 1) is { } twice)
        {
            throw new InvalidDataException(
                $"{what}: the network has several classes of the name '{twice}', so that images can't be matched to them.");
        }
    }
}
