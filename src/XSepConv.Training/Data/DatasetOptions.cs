namespace XSepConv.Training;

/// <summary>Where a data set is looked for, and how it is split.</summary>
public sealed record DatasetOptions
{
    /// <summary>A folder to look in first: the files directly there, or in a folder of the set's name.</summary>
    public string? DataRoot { get; init; }

    /// <summary>Chooses the validation images and their order, and the images of a generated set.</summary>
    public int Seed { get; init; }

    /// <summary>
    /// Keeps only so many images of the training split, and at most as many for validation and test: for quick runs. As many of each class
    /// as can be, drawn by the seed; test images are drawn alike for every seed. With fewer images than classes some classes have none.
    /// </summary>
    public int? Limit { get; init; }

    /// <summary>Whether a set that is nowhere on this machine may be downloaded to the user's cache.</summary>
    public bool AllowDownload { get; init; } = true;

    /// <summary>
    /// The user's cache; null for <c>XDG_CACHE_HOME</c>, <c>~/.cache</c> or the system's place for local application data.
    /// </summary>
    public string? CacheDirectory { get; init; }

    /// <summary>
    /// Rows and columns of the images of <c>folder</c>, to which pictures are scaled. Null for the pictures' own size, where all
    /// have one and its middle square has at most 224 pixels a side, and 64 otherwise, which <see cref="ImageDataset.Findings"/> says.
    /// Other sets have a size of their own.
    /// </summary>
    public int? ImageSize { get; init; }

    /// <summary>
    /// What see-through pixels of <c>folder</c> are laid on: white unless told. Null drops alpha instead, as networks from before this was
    /// kept were trained. Checkpoints carry it.
    /// </summary>
    public Rgb? Background { get; init; } = Rgb.White;

    /// <summary>
    /// How the pictures of <c>folder</c> are scaled; null for their middle square by a triangle. A checkpoint carries it.
    /// </summary>
    public PictureScaling? Scaling { get; init; }

    /// <summary>How the folders of <c>folder</c> are read: as splits, or as classes.</summary>
    public FolderLayout Layout { get; init; }

    /// <summary>
    /// Whether pictures of <c>folder</c> that can't be read (damaged, or of another kind than PNG and JPEG) are left out instead of
    /// refused. They are counted and named in <see cref="ImageDataset.Findings"/> and stored with a run.
    /// </summary>
    public bool SkipDamaged { get; init; }

    /// <summary>Channels of the pictures of <c>folder</c>: 3, for which grey ones become colour, or 1 for grey.</summary>
    internal int Channels { get; init; } = 3;

    internal const int SmallestImageSize = 8, LargestImageSize = 1_024;

    /// <summary>Where Debian's data packages put theirs.</summary>
    internal string SystemDirectory { get; init; } = "/usr/share/datasets";

    /// <summary>What answers a download, for tests.</summary>
    internal HttpMessageHandler? Network { get; init; }

    /// <summary>Options for pictures that are prepared as those of a checkpoint were: image size, background and scaling.</summary>
    /// <param name="checkpoint">A file that the trainer or <see cref="Pretrained.Import"/> wrote.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is damaged, does not say how its images were prepared, or they were not squares of 8 to 1,024 pixels.
    /// </exception>
    public static DatasetOptions Like(string checkpoint)
    {
        using var weights = InitialWeights.Open(checkpoint);
        if (weights.Data is not { } data)
        {
            throw new InvalidDataException(
                $"{checkpoint} does not say how its images were prepared: its metadata lacks '{DataSpec.MetadataKey}'.");
        }

        return data.Height == data.Width && data.Height is >= SmallestImageSize and <= LargestImageSize
            ? new() { ImageSize = data.Height, Background = data.Background, Scaling = data.Scaling }
            : throw new InvalidDataException(
                $"{checkpoint} takes images of {data.Height}×{data.Width}; files become squares of {SmallestImageSize} to "
                + $"{LargestImageSize:N0} pixels.");
    }

    internal void Validate()
    {
        if (Limit is < 2) throw new ArgumentException($"The limit is {Limit} images; it must be at least 2.", nameof(Limit));
        if (ImageSize is < SmallestImageSize or > LargestImageSize)
        {
            throw new ArgumentException(
                $"The image size is {ImageSize} pixels; it must be from 8 to {LargestImageSize}.", nameof(ImageSize));
        }

        if (Scaling?.Problem() is { } problem) throw new ArgumentException($"The scaling can't be used: {problem}.", nameof(Scaling));
        if (!Enum.IsDefined(Layout))
        {
            throw new ArgumentException(
                $"The layout is {Layout}; {string.Join(", ", Enum.GetNames<FolderLayout>())} are known.", nameof(Layout));
        }

        if (DataRoot is { } link && !Directory.Exists(link)
            && RegularFile.LinkTarget(Path.TrimEndingDirectorySeparator(link)) is { } target)
        {
            throw new DirectoryNotFoundException($"The data root '{link}' is a link to '{target}', which leads nowhere.");
        }

        if (DataRoot is { } root && !Directory.Exists(root))
        {
            throw new DirectoryNotFoundException($"The data root '{root}' is not a folder.");
        }
    }
}

/// <summary>How far the opening of a data set is.</summary>
public abstract record DatasetProgress;

/// <summary>How far decoding is.</summary>
/// <param name="What">What is decoded, a path.</param>
/// <param name="ImagesDone">Images decoded.</param>
/// <param name="ImagesTotal">All images; 0 where that is not known.</param>
public sealed record DecodeProgress(string What, int ImagesDone, int ImagesTotal) : DatasetProgress;

/// <summary>How far a download is.</summary>
/// <param name="File">The name of the file.</param>
/// <param name="Address">Where it comes from.</param>
/// <param name="BytesDone">Bytes received.</param>
/// <param name="BytesTotal">Bytes of the whole file.</param>
public sealed record DownloadProgress(string File, Uri Address, long BytesDone, long BytesTotal) : DatasetProgress;

/// <summary>A data set is in none of the places it is looked for, and could not be downloaded. The message says why for each.</summary>
public sealed class DatasetNotFoundException : IOException
{
    internal DatasetNotFoundException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
