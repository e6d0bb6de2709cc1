namespace XSepConv.Training;

/// <summary>A data set: three splits that share no image, and what belongs to them.</summary>
/// <remarks>
/// The validation split, taken from the training images by the seed, picks the best epoch. The test split is for one look, at the end.
/// </remarks>
public sealed class ImageDataset
{
    /// <summary>Puts a data set together from its splits.</summary>
    /// <param name="name">Such as <c>fashion-mnist</c>.</param>
    /// <param name="classNames">The name of each class, in the order of the labels.</param>
    /// <param name="train">What is learned from.</param>
    /// <param name="validation">What picks the best epoch.</param>
    /// <param name="test">What is measured once, at the end.</param>
    /// <param name="isSynthetic">Whether the images are generated.</param>
    /// <param name="augmentation">What leaves a class of this set what it is; none when null.</param>
    /// <param name="source">Where the images came from, in words.</param>
    /// <exception cref="ArgumentException">
    /// The sizes of the images differ between splits, a label has no class name, a split is empty, or the augmentation is out of range.
    /// </exception>
    public ImageDataset(
        string name,
        IReadOnlyList<string> classNames,
        ImageSplit train,
        ImageSplit validation,
        ImageSplit test,
        bool isSynthetic = false,
        Augmentation? augmentation = null,
        string source = "memory")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(classNames);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(validation);
        ArgumentNullException.ThrowIfNull(test);
        foreach (var (which, split, parameter) in new[]
        {
            ("training", train, nameof(train)), ("validation", validation, nameof(validation)), ("test", test, nameof(test)),
        })
        {
            if (split.Count == 0) throw new ArgumentException($"The {which} split of {name} is empty.", parameter);
            if ((split.Channels, split.Height, split.Width) != (train.Channels, train.Height, train.Width))
            {
                throw new ArgumentException(
                    $"The {which} images of {name} are {split.Channels}×{split.Height}×{split.Width}, "
                    + $"the training images {train.Channels}×{train.Height}×{train.Width}; all must be alike.", parameter);
            }

            foreach (var label in split.Labels.Span)
            {
                if (label >= classNames.Count)
                {
                    throw new ArgumentException(
                        $"A {which} image of {name} has label {label}; there are {classNames.Count} classes, "
                        + $"so 0 to {classNames.Count - 1} are right.", parameter);
                }
            }
        }

        Name = name;
        ClassNames = classNames;
        Train = train;
        Validation = validation;
        Test = test;
        IsSynthetic = isSynthetic;
        Augmentation = Augmentation.Checked(augmentation ?? Augmentation.None);
        Source = source;
        Normalization = ImageNormalization.Of(train);
    }

    /// <summary>The name, such as <c>fashion-mnist</c>.</summary>
    public string Name { get; }

    /// <summary>Whether the images are generated, not photographed or written.</summary>
    public bool IsSynthetic { get; }

    /// <summary>Where the images came from: a folder, an address, or how they were generated.</summary>
    public string Source { get; }

    /// <summary>What see-through pixels were laid on; null where alpha was dropped. White unless told.</summary>
    public Rgb? Background { get; init; } = Rgb.White;

    /// <summary>How pictures were scaled; null where their middle square was, by a triangle.</summary>
    public PictureScaling? Scaling { get; init; }

    /// <summary>The name of each class, in the order of the labels.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>What is learned from.</summary>
    public ImageSplit Train { get; }

    /// <summary>What picks the best epoch.</summary>
    public ImageSplit Validation { get; }

    /// <summary>What is measured once, at the end.</summary>
    public ImageSplit Test { get; }

    /// <summary>Mean and standard deviation of the training split, by channel.</summary>
    public ImageNormalization Normalization { get; }

    /// <summary>The augmentation that leaves a class of this set what it is.</summary>
    public Augmentation Augmentation { get; }

    /// <summary>What was found besides the images: files left out and why, and what the user ought to know.</summary>
    public DatasetFindings Findings { get; internal init; } = DatasetFindings.None;

    /// <summary>
    /// Says of a folder that it is among those that the images are read from, so that what a run writes there would be among them: the end
    /// of a sentence that names it; null where it is not.
    /// </summary>
    internal Func<string, string?> Misplaced { get; init; } = _ => null;

    /// <summary>
    /// Tells the test images from others by their names and contents; null where they are the publisher's, or have no names.
    /// </summary>
    internal string? TestDigest { get; init; }

    /// <summary>How many images of each class there are, in the order of the labels.</summary>
    internal IReadOnlyList<ClassCount> CountByClass()
    {
        var counts = new int[3, ClassNames.Count];
        ImageSplit[] splits = [Train, Validation, Test];
        for (var split = 0; split < splits.Length; split++)
        {
            foreach (var label in splits[split].Labels.Span) counts[split, label]++;
        }

        return [.. ClassNames.Select((name, label) => new ClassCount(name, counts[0, label], counts[1, label], counts[2, label]))];
    }

    /// <exception cref="ArgumentException">The normalisation is for other channels than the images have.</exception>
    internal void RequireChannels(ImageNormalization? normalization)
    {
        if (normalization is not null) ImageNormalization.Require(normalization, Train.Channels, $"the images of {Name}");
    }

    /// <summary>What decides the images, beyond what they show: a resumed run must have the same.</summary>
    internal IReadOnlyList<(string Name, string Value)> Settings { get; init; } = [];
}
