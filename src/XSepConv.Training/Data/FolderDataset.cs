using System.Security.Cryptography;
using System.Text;

namespace XSepConv.Training;

/// <summary><c>folder</c>: the user's own PNG and JPEG files, a folder for each class, or that below train, val and test.</summary>
/// <remarks>
/// Without folders for the splits, every tenth image of a class (at least one) is a test image, chosen by its name: the same ones for every seed.
/// With train and val only, val is the test split, as in Tiny-ImageNet, and validation images are taken from train by the seed.
/// </remarks>
internal static class FolderDataset
{
    public const string Name = "folder";

    private const int TestShare = 10;

    /// <exception cref="ArgumentException">There is no data root.</exception>
    /// <exception cref="InvalidDataException">The folder is not laid out like that, or an image is damaged.</exception>
    public static ImageDataset Open(DatasetOptions options, IProgress<DatasetProgress>? progress, CancellationToken cancel)
    {
        if (options.DataRoot is not { } given) throw new ArgumentException($"The data set '{Name}' needs a data root: the folder with a folder for each class.", nameof(options));
        var root = Path.GetFullPath(given);
        var side = options.ImageSize;
        var folder = ImageFolder.Find(root, cancel);
        var (train, validation, test) = Splits(folder, root);
        var all = train.Concat(validation).Concat(test).ToList();
        var images = DecodedCache.Open(
            DatasetFiles.CacheFolder(Name, options),
            FormattableString.Invariant($"{root}\n{side}\n{options.Background}"),
            DecodedCache.Fingerprint(all.Select(file => (file.Name, file.File))),
            (3, side, side),
            root,
            writer =>
            {
                writer.Expected = all.Count;
                EncodedImages.Decode(Encoded(train), SplitKind.Train, writer, options.Background);
                EncodedImages.Decode(Encoded(validation), SplitKind.Validation, writer, options.Background);
                EncodedImages.Decode(Encoded(test), SplitKind.Test, writer, options.Background);
                return folder.ClassNames;
            },
            progress,
            cancel);

        // An eighth of the side, as 4 of 32 pixels; photographs may be mirrored.
        return DatasetSplits.Of(Name, images, new Augmentation(CropPadding: side / 8, HorizontalFlip: true), root, options);
    }

    private static (IReadOnlyList<LabelledFile> Train, IReadOnlyList<LabelledFile> Validation, IReadOnlyList<LabelledFile> Test) Splits(ImageFolder folder, string root)
    {
        var (train, validation, test) = (folder.Files[0], folder.Files[1], folder.Files[2]);
        if (folder.IsSplit)
        {
            return (validation.Count, test.Count) switch
            {
                (0, 0) => throw new InvalidDataException($"{root}: has a folder train but neither val nor test with images; one of them is needed to measure on."),
                (_, 0) => (train, [], validation),
                _ => (train, validation, test),
            };
        }

        var testNames = new HashSet<string>(StringComparer.Ordinal);
        foreach (var group in train.GroupBy(file => file.Label))
        {
            var count = group.Count();
            if (count < 3) throw new InvalidDataException($"{Path.Combine(root, folder.ClassNames[group.Key])}: holds {count} images; three at least are needed, to learn from, to validate and to test.");
            var byHash = group.OrderBy(file => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(file.Name))), StringComparer.Ordinal);
            testNames.UnionWith(byHash.Take(Math.Max(1, count / TestShare)).Select(file => file.Name));
        }

        return ([.. train.Where(file => !testNames.Contains(file.Name))], [], [.. train.Where(file => testNames.Contains(file.Name))]);
    }

    private static IEnumerable<EncodedImage> Encoded(IEnumerable<LabelledFile> files) => files.Select(file =>
    {
        var length = file.File.Length;
        if (length > ImageDecoder.MostFileBytes) throw new InvalidDataException($"{file.File.FullName}: has {length} bytes; at most {ImageDecoder.MostFileBytes} are read.");
        return new EncodedImage(file.File.FullName, File.ReadAllBytes(file.File.FullName), file.Label);
    });
}
