using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace XSepConv.Training;

/// <summary><c>folder</c>: the user's own PNG and JPEG files, a folder for each class, or that below train, val and test.</summary>
/// <remarks>
/// Without folders for the splits, every tenth image of a class (at least one) is a test image, chosen by its name from the class's folder
/// up: the same ones for every seed. With train and val only, val is the test split, as in Tiny-ImageNet, and validation images are taken
/// from train by the seed, of every class.
/// </remarks>
internal static class FolderDataset
{
    public const string Name = "folder";

    /// <exception cref="ArgumentException">There is no data root.</exception>
    /// <exception cref="InvalidDataException">The folder is not laid out like that, or images can't be read; all are named.</exception>
    public static ImageDataset Open(DatasetOptions options, IProgress<DatasetProgress>? progress, CancellationToken cancel)
    {
        var root = RootOf(options);
        var folder = ImageFolder.ToLearn(root, options.Layout, cancel);
        var decoded = DecodedFolder.Open(root, folder, options, progress, cancel);
        var splits = FolderSplits.Of(folder, decoded.Files, root, options.Seed);
        var labels = decoded.Images.Labels;
        var all = new ImageSplit(
            decoded.Images, null, labels, decoded.Images.File.Channels, decoded.Images.File.Height, decoded.Images.File.Width);
        int[][] parts = [splits.Train, splits.Validation, splits.Test];
        string[] warnings =
            [.. folder.Notes, .. new[] { decoded.SizeNote }.OfType<string>(), .. splits.Warnings, .. EqualFiles.Warnings(decoded, parts),
                .. BalancedSubset.Warnings(options.Limit, folder.ClassNames.Count)];

        // An eighth of the side, as 4 of 32 pixels. Mirrored only where that is asked for: digits, letters and signs become others.
        return new ImageDataset(
            Name,
            folder.ClassNames,
            train: all.Select(BalancedSubset.Of(labels, splits.Train, options.Limit)),
            validation: BalancedSubset.Of(all.Select(splits.Validation), options.Limit),
            test: BalancedSubset.Of(all.Select(splits.Test), options.Limit),
            augmentation: new Augmentation(CropPadding: all.Height / 8, HorizontalFlip: false),
            source: root)
        {
            Background = options.Background,
            Scaling = options.Scaling,
            Findings = new() { LeftOut = folder.LeftOut, Skipped = decoded.Skipped, Warnings = warnings },
            Settings = Settings(options, folder, decoded.Skipped),
            TestDigest = FolderSplits.Digest(decoded.Files, splits.Test),
            Misplaced = path => Misplaced(root, options.Layout, path, root),
        };
    }

    /// <summary>The data root.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    internal static string RootOf(DatasetOptions options) => options.DataRoot is { } given
        ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(given))
        : throw new ArgumentException(
            $"The data set '{Name}' needs a data root: the folder with a folder for each class.", nameof(options));

    /// <summary>
    /// Says that what a run writes to a folder would be read as images: the end of a sentence that names the folder; null where it is
    /// not so.
    /// </summary>
    internal static string? Misplaced(string root, FolderLayout layout, string folder, string rootInWords) => Reads(root, layout, folder)
        ? $"which lies in {rootInWords}, whose folders are classes: the pictures of the run would be one; give a folder outside it"
        : null;

    /// <summary>Whether pictures in a folder, which need not be there, are among those that are read.</summary>
    internal static bool Reads(string root, FolderLayout layout, string folder)
    {
        if (RealPath.Within(root, folder)?.Split(Path.DirectorySeparatorChar) is not { } parts) return false;
        if (parts is not ["."] && parts.Any(part => part.StartsWith('.'))) return false;

        // Of splits, what lies beside them is left out.
        return layout != FolderLayout.Splits || SplitName.Of(parts[0]) is not null
            || !Directory.EnumerateDirectories(root).Any(name => SplitName.Of(Path.GetFileName(name)) is not null);
    }

    /// <summary>What the images themselves don't tell a resumed run.</summary>
    private static List<(string Name, string Value)> Settings(
        DatasetOptions options, ImageFolder folder, IReadOnlyList<UnreadableFile> skipped)
    {
        List<(string, string)> settings = [("classes", Digest(folder.ClassNames))];
        if (options.Layout != FolderLayout.Auto) settings.Add(("layout of the folder", options.Layout.ToString()));
        if (skipped.Count > 0)
        {
            settings.Add(
                ("pictures left out", string.Create(CultureInfo.InvariantCulture, $"{skipped.Count}, "
                    + $"{Digest(skipped.Select(file => file.Name))}")));
        }

        return settings;
    }

    internal static string Digest(IEnumerable<string> names) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', names))))[..16];
}
