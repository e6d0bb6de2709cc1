using System.Text;

namespace XSepConv.Training;

/// <summary>
/// Reads Tiny-ImageNet-200: <c>wnids.txt</c> (the classes), <c>words.txt</c> (their names), <c>train/WNID/images/*.JPEG</c>,
/// <c>val/images/*.JPEG</c> with <c>val/val_annotations.txt</c> (file, class and a box, by tabs), and test images without labels, which are
/// not read.
/// </summary>
internal static class TinyImageNetArchive
{
    public const int Side = 64;

    private const int Classes = 200;
    private const int LargestText = 16 << 20;
    private const int LargestImage = 1 << 20;

    /// <summary>
    /// Writes the training images, and the validation images as the test split: their labels are the only published ones.
    /// </summary>
    /// <param name="entries">The files of the archive, in any order.</param>
    /// <returns>The class names, in the order of their WordNet numbers.</returns>
    /// <exception cref="InvalidDataException">It is not such an archive, or damaged.</exception>
    public static IReadOnlyList<string> Decode(IReadOnlyList<ArchiveEntry> entries, string what, ImageFileWriter writer)
    {
        var wnids = Lines("wnids.txt").Select(line => line.Trim()).Where(line => line.Length > 0).Order(StringComparer.Ordinal).ToList();
        if (wnids.Count is < 2 or > Classes || wnids.Distinct().Count() != wnids.Count)
        {
            throw new InvalidDataException(
                $"{what}: wnids.txt has {wnids.Count} lines, {wnids.Distinct().Count()} of them different; "
                + $"{Classes} different classes are right.");
        }

        var labels = wnids.Select((wnid, label) => (wnid, label)).ToDictionary(StringComparer.Ordinal);
        var train = new List<(ArchiveEntry Entry, int Label)>();
        var validation = new List<(ArchiveEntry Entry, int Label)>();
        var annotations = Annotations();
        foreach (var entry in entries)
        {
            var parts = entry.Name.Split('/');
            if (!entry.Name.EndsWith(".JPEG", StringComparison.OrdinalIgnoreCase) || parts.Length < 3 || parts[^2] != "images") continue;
            if (parts.Length >= 4 && parts[^4] == "train")
            {
                train.Add((entry, labels.TryGetValue(parts[^3], out var label) ? label : throw Unknown(entry.Name, parts[^3])));
            }
            else if (parts[^3] == "val")
            {
                validation.Add(
                    (entry, annotations.TryGetValue(parts[^1], out var label) ? label : throw new InvalidDataException($"{what}: "
                        + $"val_annotations.txt does not name '{parts[^1]}'.")));
            }
        }

        if (train.Count == 0 || validation.Count == 0)
        {
            throw new InvalidDataException(
                $"{what}: holds {train.Count} training and {validation.Count} validation images; some of both are right.");
        }

        if (validation.Count != annotations.Count)
        {
            throw new InvalidDataException($"{what}: val_annotations.txt names {annotations.Count} images, there are {validation.Count}.");
        }

        writer.Expected = train.Count + validation.Count;
        EncodedImages.Decode(Encoded(train), SplitKind.Train, writer, Rgb.White, exact: true);
        EncodedImages.Decode(Encoded(validation), SplitKind.Test, writer, Rgb.White, exact: true);
        return Names(wnids);

        Dictionary<string, int> Annotations()
        {
            var found = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (var line in Lines("val/val_annotations.txt").Where(line => line.Trim().Length > 0))
            {
                var fields = line.TrimEnd('\r').Split('\t');
                if (fields.Length < 2)
                {
                    throw new InvalidDataException(
                        $"{what}: val_annotations.txt has the line '{(line.Length > 60 ? line[..60] : line)}'; a file, "
                        + "a tab and a class are right.");
                }

                if (!found.TryAdd(fields[0],
                    labels.TryGetValue(fields[1], out var label) ? label : throw Unknown("val_annotations.txt", fields[1])))
                {
                    throw new InvalidDataException($"{what}: val_annotations.txt names '{fields[0]}' twice.");
                }
            }

            return found;
        }

        InvalidDataException Unknown(string where, string wnid) => new(
            $"{what}: {where} names the class '{wnid}', which wnids.txt does not have.");

        string[] Lines(string name)
        {
            var entry = entries.FirstOrDefault(
                entry => entry.Name == name
                    || entry.Name.EndsWith("/" + name,
                        StringComparison.Ordinal)) ?? throw new InvalidDataException($"{what}: lacks {name}.");
            return Encoding.UTF8.GetString(entry.ReadBytes(LargestText, what)).Split('\n');
        }

        // Sorted, so that an archive and the folder it was unpacked to give the same data set.
        IEnumerable<EncodedImage> Encoded(List<(ArchiveEntry Entry, int Label)> files) => files
            .OrderBy(file => file.Entry.Name, StringComparer.Ordinal)
            .Select(file => new EncodedImage($"{what}: {file.Entry.Name}", file.Entry.ReadBytes(LargestImage, what), file.Label));

        // "n02124075 → Egyptian cat": the first of the words, with the number where two classes share it.
        List<string> Names(List<string> numbers)
        {
            var words = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var line in Lines("words.txt"))
            {
                var fields = line.TrimEnd('\r').Split('\t');
                if (fields.Length >= 2) words[fields[0]] = fields[1].Split(',')[0].Trim();
            }

            var names = numbers.Select(wnid => words.TryGetValue(wnid, out var word) && word.Length > 0 ? word : wnid).ToList();
            var shared = names.GroupBy(name => name).Where(group => group.Count() > 1).Select(group => group.Key).ToHashSet();
            return [.. names.Select((name, i) => shared.Contains(name) ? $"{name} ({numbers[i]})" : name)];
        }
    }
}
