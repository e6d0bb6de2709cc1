namespace XSepConv.Training;

/// <summary>One file of a published data set: its name, and what it is checked against when it is downloaded.</summary>
/// <param name="Name">As published.</param>
/// <param name="Checksum">SHA-256, or MD5 where no other is published, in hexadecimal.</param>
/// <param name="Unpacked">The name of the file or folder that comes out of it, which is taken as well; null for none.</param>
internal sealed record PublishedFile(string Name, long Bytes, string Checksum, string? Unpacked = null);

/// <summary>A data set that is files: where they come from, and how they become images.</summary>
/// <param name="Augmentation">What leaves a class what it is.</param>
/// <param name="Sources">Folders on the net, the publisher's first; each ends in a slash.</param>
/// <param name="Files">What is needed.</param>
internal abstract record PublishedDataset(
    string Name, Augmentation Augmentation, IReadOnlyList<Uri> Sources, IReadOnlyList<PublishedFile> Files)
{
    public string FolderName { get; init; } = Name;

    public string? DebianPackage { get; init; }

    /// <summary>Reads the files.</summary>
    /// <param name="paths">In the order of <see cref="Files"/>: each the published file or what came out of it.</param>
    /// <param name="options">Seed, limit, cache.</param>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public abstract ImageDataset Load(
        IReadOnlyList<string> paths, string source, DatasetOptions options, IProgress<DatasetProgress>? progress, CancellationToken cancel);
}

/// <summary>A published data set that is decoded once, into the user's cache.</summary>
internal abstract record CachedDataset(
    string Name, Augmentation Augmentation, IReadOnlyList<Uri> Sources, IReadOnlyList<PublishedFile> Files, int Side)
    : PublishedDataset(Name, Augmentation, Sources, Files)
{
    public sealed override ImageDataset Load(
        IReadOnlyList<string> paths, string source, DatasetOptions options, IProgress<DatasetProgress>? progress, CancellationToken cancel)
    {
        var images = DecodedCache.Open(
            UserCache.Folder(FolderName, options),
            place: string.Join('\n', paths.Select(Path.GetFullPath).Prepend(Name)),
            DecodedCache.Fingerprint(paths.SelectMany(StateOf)),
            (3, Side, Side),
            paths.Count == 1 ? paths[0] : source,
            writer => Decode(paths, writer),
            progress,
            cancel);
        var (train, test) = ((int)images.File.Train, (int)images.File.Test);
        var all = new ImageSplit(images, null, images.Labels, images.File.Channels, images.File.Height, images.File.Width);
        return DatasetSplits.Of(
            Name, images.ClassNames, Part(0, train), Part(train, test), Augmentation, source, options);

        ImageSplit Part(int first, int count) => all.Select([.. Enumerable.Range(first, count)]);
    }

    /// <summary>Writes the images of the files, training before test.</summary>
    /// <returns>The class names.</returns>
    protected abstract IReadOnlyList<string> Decode(IReadOnlyList<string> paths, ImageFileWriter writer);

    private static IEnumerable<(string Name, FileInfo File)> StateOf(string path) => Directory.Exists(path)
        ? new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories)
            .Select(file => (Path.GetRelativePath(path, file.FullName), file)).OrderBy(file => file.Item1, StringComparer.Ordinal)
        : [(Path.GetFileName(path), new FileInfo(path))];
}
