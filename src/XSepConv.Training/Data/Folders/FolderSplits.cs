using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace XSepConv.Training;

/// <summary>Which images of a folder are learned from, validated and tested on: places in the image file.</summary>
/// <param name="Train">In the order of the seed.</param>
/// <param name="Validation">Of every class its share, where the folder has none of its own.</param>
/// <param name="Test">In the order of the files.</param>
/// <param name="Warnings">Classes that a split lacks.</param>
internal sealed record FolderSplits(int[] Train, int[] Validation, int[] Test, IReadOnlyList<string> Warnings)
{
    private const int TestShare = 10;

    private const string OfContents = "contents:";

    /// <param name="files">The files whose images are in the image file, in its order, for each of its splits.</param>
    /// <param name="seed">Draws the validation images, and the order.</param>
    /// <exception cref="InvalidDataException">A class has too few images to be learned, or a split none at all.</exception>
    public static FolderSplits Of(ImageFolder folder, IReadOnlyList<LabelledFile>[] files, string root, int seed)
    {
        var labels = files.SelectMany(split => split).Select(file => file.Label).ToArray();
        var (inTrain, inValidation) = (files[0].Count, files[1].Count);
        var train = Enumerable.Range(0, inTrain).ToArray();
        var validation = Enumerable.Range(inTrain, inValidation).ToArray();
        var test = Enumerable.Range(inTrain + inValidation, files[2].Count).ToArray();
        RequireEveryClass(folder, files[0], root);
        if (!folder.IsSplit)
        {
            test = TestOf(folder, files[0], root);
            train = [.. train.Except(test)];
        }
        else if (validation.Length == 0 && test.Length == 0)
        {
            throw new InvalidDataException(
                $"{root}: has a folder train but neither val nor test with images; one of them is needed to measure on. "
                + "With the folder train as the data root it is divided.");
        }
        else if (test.Length == 0)
        {
            (validation, test) = ([], validation);
        }

        var order = CounterRandom.For(seed, CounterRandom.Stream.Split).Permutation(train.Length).Select(i => train[i]).ToArray();
        if (validation.Length == 0)
        {
            validation = ShareOf(labels, order);
            order = [.. order.Except(validation)];
        }

        if (validation.Length == 0)
        {
            throw new InvalidDataException(
                $"{root}: no class of train has two images, so that none can be spared to validate; two of a class at least are needed.");
        }

        return new(order, validation, test, [.. Lacking("validation", validation), .. Lacking("test", test)]);

        IEnumerable<string> Lacking(string split, int[] places)
        {
            var there = places.Select(place => labels[place]).ToHashSet();
            var lacking = folder.ClassNames.Where((_, label) => !there.Contains(label)).ToList();
            if (lacking.Count > 0)
            {
                yield return string.Create(
                    CultureInfo.InvariantCulture, $"the {split} split has no image of {lacking.Count} of {folder.ClassNames.Count} "
                        + $"classes: {FolderDivision.Few(lacking)}.");
            }
        }
    }

    /// <summary>One image in twelve of each class, one at least; none of a class with a single one, which is to be learned.</summary>
    private static int[] ShareOf(int[] labels, int[] order)
    {
        var left = order.GroupBy(place => labels[place])
            .ToDictionary(group => group.Key, group => group.Count() < 2 ? 0 : Math.Max(1, group.Count() / DatasetSplits.ValidationShare));
        return [.. order.Where(place => left[labels[place]]-- > 0)];
    }

    /// <summary>Every tenth image of a class, one at least, chosen by its name: the same ones for every seed.</summary>
    internal static int[] TestOf(ImageFolder folder, IReadOnlyList<LabelledFile> files, string root)
    {
        var chosen = new List<int>();
        foreach (var group in files.Select((file, place) => (file, place)).GroupBy(entry => entry.file.Label))
        {
            var count = group.Count();
            if (count < 3)
            {
                // Its folder may lie deeper than directly below the root.
                var one = group.First().file;
                var path = Path.Combine(root, one.Name[..^one.FromClass.Length] + folder.ClassNames[group.Key]);
                throw new InvalidDataException(
                    $"{path}: holds {count} images; three at least are needed, to learn from, "
                    + "to validate and to test.");
            }

            var byHash = group.OrderBy(
                entry => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(entry.file.FromClass))), StringComparer.Ordinal);
            chosen.AddRange(byHash.Take(Math.Max(1, count / TestShare)).Select(entry => entry.place));
        }

        chosen.Sort();
        return [.. chosen];
    }

    /// <summary>Tells test images from others, by their names from the class's folder up and samples of their bytes.</summary>
    /// <param name="files">As in <see cref="Of"/>.</param>
    /// <param name="test">Places among them.</param>
    public static string Digest(IReadOnlyList<LabelledFile>[] files, IEnumerable<int> test) =>
        OfContents + Digest(files, test, file => $"{file.FromClass}\n{file.File.Sample}");

    /// <summary>Whether test images are those of a digest; one of an earlier version tells names alone.</summary>
    public static bool Are(IReadOnlyList<LabelledFile>[] files, IEnumerable<int> test, string digest) =>
        digest == (digest.StartsWith(OfContents, StringComparison.Ordinal)
            ? Digest(files, test) : Digest(files, test, file => file.FromClass));

    private static string Digest(IReadOnlyList<LabelledFile>[] files, IEnumerable<int> test, Func<LabelledFile, string> line)
    {
        LabelledFile[] all = [.. files.SelectMany(split => split)];
        return FolderDataset.Digest(test.Select(place => line(all[place])).Order(StringComparer.Ordinal));
    }

    private static void RequireEveryClass(ImageFolder folder, IReadOnlyList<LabelledFile> train, string root)
    {
        var there = train.Select(file => file.Label).ToHashSet();
        var lacking = folder.ClassNames.Where((_, label) => !there.Contains(label)).ToList();
        if (lacking.Count > 0)
        {
            throw new InvalidDataException(
                $"{root}: the class {FolderDivision.Few(lacking)} has no picture to learn from that can be read; add some, "
                + "or move the class away.");
        }
    }
}
