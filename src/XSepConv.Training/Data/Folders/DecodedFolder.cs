namespace XSepConv.Training;

/// <summary>The images of a folder, decoded.</summary>
/// <param name="Images">All that could be read: training, validation and test images one after the other.</param>
/// <param name="Files">The files that they come from, in the same order.</param>
/// <param name="Skipped">What can't be read and was to be left out.</param>
/// <param name="SizeNote">What the user ought to know of their size; null where there is nothing.</param>
internal sealed record DecodedFolder(
    MappedImages Images, IReadOnlyList<LabelledFile>[] Files, IReadOnlyList<UnreadableFile> Skipped, string? SizeNote)
{
    /// <exception cref="InvalidDataException">There are pictures that can't be read; all are named.</exception>
    public static DecodedFolder Open(
        string root, ImageFolder folder, DatasetOptions options, IProgress<DatasetProgress>? progress, CancellationToken cancel)
    {
        var (side, sizeNote) = options.ImageSize is { } asked ? new OwnSize(asked, null) : OwnSize.Of(folder, cancel);
        var count = folder.Files.Sum(split => split.Count);
        folder.Files.SelectMany(split => split).AsParallel().WithCancellation(cancel).ForAll(file => _ = file.File.Sample);
        var images = DecodedCache.Open(
            UserCache.Folder(FolderDataset.Name, options),
            string.Join('\n', Place(root, side, options)),
            Fingerprint(folder),
            (options.Channels, side, side),
            root,
            writer =>
            {
                writer.Expected = count;
                var damage = new DamageList();
                for (var split = SplitKind.Train; split <= SplitKind.Test; split++)
                {
                    EncodedImages.Decode(
                        folder.Files[(int)split].Select(file => Read(root, file)), split, writer, options.Background,
                        options.Scaling, damage: damage);
                }

                Require([.. folder.Unreadable, .. damage.Files]);
                writer.Notes = new(damage.Files, damage.Equal.Groups()) { Passing = damage.Passing };
                return folder.ClassNames;
            },
            progress,
            cancel,
            holds: notes => !CanBeReadNow(root, folder, notes.Passing));

        // What is in the cache may be from a run that went without them.
        Require([.. folder.Unreadable, .. images.Notes.Unreadable]);
        var damaged = images.Notes.Unreadable.Select(file => file.Name).ToHashSet(StringComparer.Ordinal);
        IReadOnlyList<LabelledFile>[] kept = damaged.Count == 0
            ? folder.Files
            : [.. folder.Files.Select(split => split.Where(file => !damaged.Contains(file.Name)).ToList())];
        return new(images, kept, [.. folder.Unreadable, .. images.Notes.Unreadable], sizeNote);

        void Require(List<UnreadableFile> unreadable)
        {
            if (unreadable.Count > 0 && !options.SkipDamaged)
            {
                throw UnreadableFiles.Refusal(root, unreadable, count + folder.Unreadable.Count);
            }
        }
    }

    /// <summary>The folder, and all by which its pictures become images.</summary>
    private static IEnumerable<string> Place(string root, int side, DatasetOptions options)
    {
        yield return FormattableString.Invariant($"{root}\n{side}\n{options.Background}");
        if (options.Channels == 1) yield return "grey";
        if (options.Scaling is { } scaling) yield return $"{scaling}";
        if (options.Layout != FolderLayout.Auto) yield return $"{options.Layout}";
    }

    /// <summary>The files as the scan found them, and samples of their bytes: what a link leads to, not the link.</summary>
    private static string Fingerprint(ImageFolder folder) => DecodedCache.Fingerprint([
        .. folder.ClassNames.Select(name => $"class {name}"),
        .. folder.Files.SelectMany((files, split) => files.Select(file => FormattableString.Invariant(
            $"{split} {file.Label} {file.Name}\n{file.File.Length}\n{file.File.Changed.Ticks}\n{file.File.Sample}"))),
    ]);

    /// <summary>
    /// Whether a picture that an earlier run went without is there again: one that went between the look at its bytes and their decoding.
    /// </summary>
    private static bool CanBeReadNow(string root, ImageFolder folder, IReadOnlyList<string> passing)
    {
        if (passing.Count == 0) return false;
        var names = passing.ToHashSet(StringComparer.Ordinal);
        return folder.Files.SelectMany(split => split).Any(file => names.Contains(file.Name) && Read(root, file).Problem is null);
    }

    private static EncodedImage Read(string root, LabelledFile file)
    {
        var name = Path.Combine(root, file.Name);
        try
        {
            if (new FileInfo(file.File.RealPath).Length is var length and > ImageDecoder.MaxFileBytes)
            {
                return EncodedImage.Unreadable(
                    name, file.Name, FormattableString.Invariant($"has {length} bytes; at most {ImageDecoder.MaxFileBytes} are read"));
            }

            return new EncodedImage(name, RegularFile.ReadAllBytes(file.File.RealPath), file.Label) { Name = file.Name };
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return EncodedImage.Unreadable(name, file.Name, "went away while it was to be read", isPassing: true);
        }
        catch (UnauthorizedAccessException)
        {
            return EncodedImage.Unreadable(name, file.Name, "may not be read", isPassing: true);
        }
        catch (IOException e)
        {
            return EncodedImage.Unreadable(name, file.Name, $"can't be read ({e.Message.TrimEnd('.')})", isPassing: true);
        }
    }
}
