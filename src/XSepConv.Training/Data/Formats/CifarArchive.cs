using System.Text;

namespace XSepConv.Training;

/// <summary>
/// Reads the binary version of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of one label byte (CIFAR-100: coarse, then fine) and 3,072
/// bytes, red, green, blue, each plane 32 rows of 32; and a text file with the names of the classes.
/// </summary>
/// <param name="NamesFile">A name a line.</param>
/// <param name="LabelBytes">Of a record; the last one counts.</param>
internal sealed record CifarArchive(IReadOnlyList<string> TrainFiles, string TestFile, string NamesFile, int LabelBytes, int Classes)
{
    public const int Side = 32;

    private const int ImageBytes = 3 * Side * Side;
    private const int LargestFile = 256 << 20;

    public static CifarArchive Ten { get; } = new(
        [.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}.bin")], "test_batch.bin", "batches.meta.txt", LabelBytes: 1, Classes: 10);

    public static CifarArchive Hundred { get; } = new(["train.bin"], "test.bin", "fine_label_names.txt", LabelBytes: 2, Classes: 100);

    /// <summary>Writes the images of an archive.</summary>
    /// <param name="entries">Its files; they may come in any order and lie in any folder.</param>
    /// <returns>The class names.</returns>
    /// <exception cref="InvalidDataException">It is not such an archive, or damaged.</exception>
    public IReadOnlyList<string> Decode(IEnumerable<ArchiveEntry> entries, string what, ImageFileWriter writer)
    {
        string[] needed = [.. TrainFiles, TestFile, NamesFile];
        var files = new Dictionary<string, byte[]>();
        foreach (var entry in entries)
        {
            writer.Cancel.ThrowIfCancellationRequested();
            if (!needed.Contains(entry.FileName)) continue;
            if (!files.TryAdd(entry.FileName, entry.ReadBytes(LargestFile, what)))
            {
                throw new InvalidDataException($"{what}: holds {entry.FileName} twice.");
            }
        }

        var missing = needed.Where(name => !files.ContainsKey(name)).ToList();
        if (missing.Count > 0) throw new InvalidDataException($"{what}: lacks {Listing.Of(missing, ", ")}.");
        var names = Encoding.UTF8.GetString(files[NamesFile]).Split(
            '\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (names.Length != Classes)
        {
            throw new InvalidDataException($"{what}: {NamesFile} has {names.Length} names of classes, {Classes} are right.");
        }

        writer.Expected = files.Where(file => file.Key != NamesFile).Sum(file => file.Value.Length / (LabelBytes + ImageBytes));
        foreach (var file in TrainFiles) Add(SplitKind.Train, file);
        Add(SplitKind.Test, TestFile);
        return names;

        void Add(SplitKind split, string file)
        {
            var records = files[file];
            var size = LabelBytes + ImageBytes;
            if (records.Length == 0 || records.Length % size != 0)
            {
                throw new InvalidDataException(
                    $"{what}: {file} has {records.Length} bytes, a positive multiple of {size} (a label and 32×32 pixels) is right.");
            }

            for (var at = 0; at < records.Length; at += size)
            {
                var label = records[at + LabelBytes - 1];
                if (label >= Classes)
                {
                    throw new InvalidDataException($"{what}: image {at / size} of {file} has label {label}; 0 to {Classes - 1} are right.");
                }

                writer.Add(split, records.AsSpan(at + LabelBytes, ImageBytes), label);
            }
        }
    }
}
