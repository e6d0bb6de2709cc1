namespace XSepConv.Training;

/// <summary>What is known about an IDX data set.</summary>
/// <param name="ClassNames">In the order of the labels.</param>
/// <param name="Augmentation">What leaves a class what it is.</param>
/// <param name="Sources">Folders on the net, the publisher's first; each ends in a slash.</param>
/// <param name="Files">Training images, training labels, test images, test labels.</param>
internal sealed record IdxDatasetInfo(
    string Name, IReadOnlyList<string> ClassNames, Augmentation Augmentation, IReadOnlyList<Uri> Sources,
    IReadOnlyList<PublishedFile> Files)
    : PublishedDataset(Name, Augmentation, Sources, Files)
{
    /// <summary>
    /// Fashion-MNIST (Xiao, Rasul, Vollgraf; arXiv 1708.07747), by its publisher Zalando Research. A mirrored garment is the same garment.
    /// </summary>
    public static IdxDatasetInfo FashionMnist { get; } = new(
        "fashion-mnist",
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
        new Augmentation(CropPadding: 2, HorizontalFlip: true),
        [
            new("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"),
            new("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
        ],
        [
            Gzipped("train-images-idx3-ubyte", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            Gzipped("train-labels-idx1-ubyte", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            Gzipped("t10k-images-idx3-ubyte", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            Gzipped("t10k-labels-idx1-ubyte", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ])
    {
        DebianPackage = "dataset-fashion-mnist",
        FirstLabels = [9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 0, 9, 5, 5, 7, 9, 1, 0, 6, 4],
    };

    /// <summary>
    /// MNIST (LeCun, Cortes, Burges), from the mirrors the large frameworks use: its own site no longer has it. A mirrored digit is no
    /// digit.
    /// </summary>
    public static IdxDatasetInfo Mnist { get; } = new(
        "mnist",
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        new Augmentation(CropPadding: 2, HorizontalFlip: false) { LargestRotation = 15 },
        [
            new("https://ossci-datasets.s3.amazonaws.com/mnist/"),
            new("https://storage.googleapis.com/cvdf-datasets/mnist/"),
        ],
        [
            Gzipped("train-images-idx3-ubyte", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            Gzipped("train-labels-idx1-ubyte", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            Gzipped("t10k-images-idx3-ubyte", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            Gzipped("t10k-labels-idx1-ubyte", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ])
    {
        FirstLabels = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5, 3, 6, 1, 7, 2, 8, 6, 9],
    };

    /// <summary>
    /// What the first training images are. Both sets have files of the same names, and Debian packs them anew, so that no checksum says
    /// which of them a folder holds.
    /// </summary>
    public required byte[] FirstLabels { get; init; }

    private static PublishedFile Gzipped(string name, long bytes, string sha256) => new(name + ".gz", bytes, sha256, Unpacked: name);

    /// <inheritdoc/>
    /// <remarks>Not cached: unzipping takes less than half a second.</remarks>
    public override ImageDataset Load(
        IReadOnlyList<string> paths, string source, DatasetOptions options, IProgress<DatasetProgress>? progress, CancellationToken cancel)
    {
        var training = ReadSplit(paths[0], paths[1]);
        var first = training.Labels.Span[..Math.Min(training.Count, FirstLabels.Length)].ToArray();
        if (new[] { FashionMnist, Mnist }.FirstOrDefault(set => set != this && set.FirstLabels.Select(label => (int)label)
            .SequenceEqual(first)) is { } other)
        {
            throw new InvalidDataException(
                $"{paths[1]}: has the labels of {other.Name}, whose files are called like those of {Name}; this is another set.");
        }

        var test = ReadSplit(paths[2], paths[3]);
        if ((training.Height, training.Width) != (test.Height, test.Width))
        {
            throw new InvalidDataException(
                $"{paths[2]}: images are {test.Height}×{test.Width}, those of {paths[0]} are {training.Height}×{training.Width}; "
                + "both must be alike.");
        }

        return DatasetSplits.Of(Name, ClassNames, training, test, Augmentation, source, options);
    }

    private ImageSplit ReadSplit(string imagesPath, string labelsPath)
    {
        var (pixels, count, rows, columns) = IdxFile.ReadImages(imagesPath);
        var labels = IdxFile.ReadLabels(labelsPath);
        if (labels.Length != count)
        {
            throw new InvalidDataException(
                $"{labelsPath}: holds {labels.Length} labels, but {imagesPath} holds {count} images; both must be as many.");
        }

        var worst = labels.Max();
        if (worst >= ClassNames.Count)
        {
            throw new InvalidDataException(
                $"{labelsPath}: holds label {worst}; {Name} has {ClassNames.Count} classes, so 0 to {ClassNames.Count - 1} are right.");
        }

        return new ImageSplit(pixels, Array.ConvertAll(labels, label => (int)label), 1, rows, columns);
    }
}
