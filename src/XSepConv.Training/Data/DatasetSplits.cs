namespace XSepConv.Training;

/// <summary>Makes a data set with three splits of what there is.</summary>
internal static class DatasetSplits
{
    /// <summary>One training image in so many becomes a validation image.</summary>
    public const int ValidationShare = 12;

    /// <summary>
    /// Shuffles the training images by the seed, takes the validation images from them, and applies the limit.
    /// </summary>
    /// <exception cref="InvalidDataException">There are too few training images.</exception>
    public static ImageDataset Of(
        string name,
        IReadOnlyList<string> classNames,
        ImageSplit training,
        ImageSplit test,
        Augmentation augmentation,
        string source,
        DatasetOptions options)
    {
        if (training.Count < 2)
        {
            throw new InvalidDataException(
                $"{source}: holds {training.Count} training image; at least 2 are needed, one to learn from and one to validate.");
        }

        if (test.Count < 1) throw new InvalidDataException($"{source}: holds no test image.");
        var order = CounterRandom.For(options.Seed, CounterRandom.Stream.Split).Permutation(training.Count);
        var taken = Math.Max(1, training.Count / ValidationShare);
        var labels = training.Labels.Span;
        return new ImageDataset(
            name,
            classNames,
            train: training.Select(BalancedSubset.Of(labels, order.AsSpan(taken), options.Limit)),
            validation: training.Select(BalancedSubset.Of(labels, order.AsSpan(0, taken), options.Limit)),
            test: BalancedSubset.Of(test, options.Limit),
            augmentation: augmentation,
            source: source)
        {
            Background = options.Background,
            Findings = new() { Warnings = BalancedSubset.Warnings(options.Limit, classNames.Count) },
        };
    }
}
