namespace XSepConv.Training;

/// <summary>The data sets known by name.</summary>
public static class DatasetCatalog
{
    private static readonly PublishedDataset[] Published =
    [
        IdxDatasetInfo.FashionMnist,
        IdxDatasetInfo.Mnist,
        CifarDataset.Ten,
        CifarDataset.Hundred,
        SvhnDataset.Standard,
        SvhnDataset.WithExtra,
        new TinyImageNetDataset(),
    ];

    /// <summary>The name of the user's own images: a folder for each class.</summary>
    public const string Folder = FolderDataset.Name;

    /// <summary>The names <see cref="Open"/> takes.</summary>
    public static IReadOnlyList<string> Names { get; } = [ShapesDataset.Name, .. Published.Select(info => info.Name), FolderDataset.Name];

    /// <summary>Opens a data set.</summary>
    /// <param name="name">One of <see cref="Names"/>: <c>shapes</c> (generated, 32×32 colour), <c>fashion-mnist</c> or <c>mnist</c> (28×28
    /// grey), <c>cifar-10</c>, <c>cifar-100</c>, <c>svhn</c> or <c>svhn-extra</c> (32×32 colour), <c>tiny-imagenet</c> (64×64 colour),
    /// <c>folder</c> (your own).</param>
    /// <param name="options">Where to look, seed, limit.</param>
    /// <param name="progress">Told about a download and about decoding, if there are.</param>
    /// <param name="cancel">Ends a download or the decoding.</param>
    /// <exception cref="ArgumentException">The name is unknown (the message has the nearest), or an option is out of range.</exception>
    /// <exception cref="DirectoryNotFoundException">The data root is not a folder.</exception>
    /// <exception cref="DatasetNotFoundException">The set is in no place, and could not be downloaded.</exception>
    /// <exception cref="InvalidDataException">A file is damaged; the message names it, what was found and what would be right.</exception>
    public static ImageDataset Open(
        string name, DatasetOptions? options = null, IProgress<DatasetProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        options ??= new();
        if (!Names.Contains(name))
        {
            throw new ArgumentException(
                $"There is no data set '{name}'; known are {string.Join(", ", Names)}.{Nearest.Hint(name, Names)}", nameof(name));
        }

        options.Validate();
        if (name == ShapesDataset.Name) return ShapesDataset.Create(options);
        if (name == FolderDataset.Name) return FolderDataset.Open(options, progress, cancel);
        var info = Array.Find(Published, info => info.Name == name)!;
        var (paths, folder) = DatasetFiles.Find(info, options, progress, cancel);
        return info.Load(paths, folder, options, progress, cancel);
    }
}
