namespace XSepConv.Training;

/// <summary>One file of an IDX data set: its name, and what it is checked against when it is downloaded.</summary>
/// <param name="Name">Without <c>.gz</c>.</param>
/// <param name="Bytes">Size of the gzipped file as published.</param>
/// <param name="Sha256">SHA-256 of the gzipped file as published, in hexadecimal.</param>
internal sealed record IdxEntry(string Name, long Bytes, string Sha256);

/// <summary>What is known about an IDX data set.</summary>
/// <param name="Name">Its name here, and that of its folders.</param>
/// <param name="ClassNames">In the order of the labels.</param>
/// <param name="Augmentation">What leaves a class what it is.</param>
/// <param name="Sources">Folders on the net, the publisher's first; each ends in a slash.</param>
/// <param name="Files">Training images, training labels, test images, test labels.</param>
internal sealed record IdxDatasetInfo(
    string Name, IReadOnlyList<string> ClassNames, Augmentation Augmentation, IReadOnlyList<Uri> Sources, IReadOnlyList<IdxEntry> Files)
{
    /// <summary>One training image in so many becomes a validation image: 5,000 of 60,000.</summary>
    internal const int ValidationShare = 12;

    /// <summary>Fashion-MNIST (Xiao, Rasul, Vollgraf; arXiv 1708.07747), by its publisher Zalando Research. A mirrored garment is the same garment.</summary>
    public static IdxDatasetInfo FashionMnist { get; } = new(
        "fashion-mnist",
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
        new Augmentation(CropPadding: 2, HorizontalFlip: true),
        [
            new("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"),
            new("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
        ],
        [
            new("train-images-idx3-ubyte", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            new("train-labels-idx1-ubyte", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            new("t10k-images-idx3-ubyte", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            new("t10k-labels-idx1-ubyte", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ]);

    /// <summary>MNIST (LeCun, Cortes, Burges), from the mirrors the large frameworks use: its own site no longer has it. A mirrored digit is no digit.</summary>
    public static IdxDatasetInfo Mnist { get; } = new(
        "mnist",
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        new Augmentation(CropPadding: 2, HorizontalFlip: false),
        [
            new("https://ossci-datasets.s3.amazonaws.com/mnist/"),
            new("https://storage.googleapis.com/cvdf-datasets/mnist/"),
        ],
        [
            new("train-images-idx3-ubyte", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            new("train-labels-idx1-ubyte", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            new("t10k-images-idx3-ubyte", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            new("t10k-labels-idx1-ubyte", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ]);

    /// <summary>Reads the four files and splits them.</summary>
    /// <param name="paths">In the order of <see cref="Files"/>.</param>
    /// <param name="source">Where they were found.</param>
    /// <param name="options">Seed and limit.</param>
    public ImageDataset Load(IReadOnlyList<string> paths, string source, DatasetOptions options)
    {
        var training = ReadSplit(paths[0], paths[1]);
        var test = ReadSplit(paths[2], paths[3]);
        if ((training.Height, training.Width) != (test.Height, test.Width))
        {
            throw new InvalidDataException(
                $"{paths[2]}: images are {test.Height}×{test.Width}, those of {paths[0]} are {training.Height}×{training.Width}; both must be alike.");
        }

        if (training.Count < 2) throw new InvalidDataException($"{paths[0]}: holds {training.Count} image; at least 2 are needed, one to learn from and one to validate.");
        return Split(training, test, source, options);
    }

    private ImageDataset Split(ImageSplit training, ImageSplit test, string source, DatasetOptions options)
    {
        var order = CounterRandom.For(options.Seed, CounterRandom.Stream.Split).Permutation(training.Count);
        var validation = Math.Max(1, training.Count / ValidationShare);
        var most = options.Limit ?? int.MaxValue;
        return new ImageDataset(
            Name,
            ClassNames,
            train: training.Select(order.AsSpan(validation, Math.Min(most, training.Count - validation))),
            validation: training.Select(order.AsSpan(0, Math.Min(most, validation))),
            test: test.Take(most),
            augmentation: Augmentation,
            source: source);
    }

    private ImageSplit ReadSplit(string imagesPath, string labelsPath)
    {
        var (pixels, count, rows, columns) = IdxFile.ReadImages(imagesPath);
        var labels = IdxFile.ReadLabels(labelsPath);
        if (labels.Length != count)
        {
            throw new InvalidDataException($"{labelsPath}: holds {labels.Length} labels, but {imagesPath} holds {count} images; both must be as many.");
        }

        var worst = labels.Max();
        if (worst >= ClassNames.Count)
        {
            throw new InvalidDataException($"{labelsPath}: holds label {worst}; {Name} has {ClassNames.Count} classes, so 0 to {ClassNames.Count - 1} are right.");
        }

        return new ImageSplit(pixels, Array.ConvertAll(labels, label => (int)label), 1, rows, columns);
    }
}
