using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>
/// What decides how well a network learns. The defaults are the recipe <c>quick</c>; the others say what they do otherwise. Values are
/// changed by <c>TrainingRecipe.For("standard") with { Epochs = 10 }</c>.
/// </summary>
public sealed record TrainingRecipe
{
    private static readonly TrainingRecipe[] Known =
    [
        new() { Name = "quick" },
        new()
        {
            Name = "standard", Epochs = 30, BatchSize = 128, LearningRate = 0.05, WeightDecay = 5e-4, WarmupEpochs = 1,
            LabelSmoothing = 0.1, Augmentation = "standard", EmaDecay = 0.995,
        },
        new()
        {
            Name = "strong", Epochs = 100, BatchSize = 128, Optimizer = OptimizerKind.AdamW, LearningRate = 2e-3, WeightDecay = 0.05,
            WarmupEpochs = 5,
            LabelSmoothing = 0.1, Augmentation = "strong", ClipNorm = 5, EmaDecay = 0.999, Dropout = 0.2,
        },
    ];

    /// <summary>The names, from the shortest to the longest run.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Known.Select(recipe => recipe.Name)];

    /// <summary>The recipe of <see cref="TrainingOptions"/> that name none: <c>quick</c>.</summary>
    public static TrainingRecipe Default => Known[0];

    /// <summary>What it is, or was made from.</summary>
    public string Name { get; init; } = "custom";

    /// <summary>Passes over the training split. The learning rate ends with the last one.</summary>
    public int Epochs { get; init; } = 3;

    /// <summary>Images in a batch, at least 2 (batch normalisation needs more than one).</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>How many batches one step takes the mean gradient of; each is normalised by its own statistics.</summary>
    public int AccumulateBatches { get; init; } = 1;

    /// <summary>How weights follow their gradients.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Sgd;

    /// <summary>The learning rate after warm-up.</summary>
    public double LearningRate { get; init; } = 0.02;

    /// <summary>What the learning rate does after warm-up.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Cosine;

    /// <summary>Epochs, or a fraction of one, over which the learning rate rises to its peak; at most half of the run is used.</summary>
    public double WarmupEpochs { get; init; } = 0.5;

    /// <summary>Momentum of SGD, in [0, 1).</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Whether SGD looks ahead (Nesterov's momentum, as in Torch).</summary>
    public bool Nesterov { get; init; } = true;

    /// <summary>How slowly AdamW's mean of the gradients changes, in [0, 1).</summary>
    public double AdamBeta1 { get; init; } = 0.9;

    /// <summary>How slowly AdamW's mean of their squares changes, in [0, 1).</summary>
    public double AdamBeta2 { get; init; } = 0.999;

    /// <summary>
    /// Decay of the weights of convolutions and linear layers; batch normalisation and biases have none. With SGD a part of the gradient
    /// (an L2 penalty), with AdamW a part of the weight, learning rate times this, that each step takes away.
    /// </summary>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>
    /// How much of the target is spread over all classes, in [0, 1). Training only; validation and test report the plain cross-entropy.
    /// </summary>
    public double LabelSmoothing { get; init; } = 0.05;

    /// <summary>Dropout before the last linear layer, in [0, 1); null leaves the network's own.</summary>
    public double? Dropout { get; init; }

    /// <summary>
    /// The most that all gradients together may measure, as an L2 norm; longer ones are shortened to it. Null for no limit.
    /// </summary>
    public double? ClipNorm { get; init; }

    /// <summary>
    /// Decay of an exponential moving average of the weights, in (0, 1), which is then what is validated, tested and kept as the best; 0
    /// for none.
    /// </summary>
    public double EmaDecay { get; init; }

    /// <summary>Ends the run after so many epochs in a row without a new best on the validation split; null for never.</summary>
    public int? Patience { get; init; }

    /// <summary>
    /// How training images are varied: <c>none</c>; <c>light</c>, moved and mirrored as suits the data; <c>standard</c>, also colours by 20
    /// % and a part erased from every fourth image; <c>strong</c>, also two random operations of strength 0.3 instead of the colours, and
    /// mixup with α = 0.2.
    /// </summary>
    public string Augmentation { get; init; } = AugmentationPreset.Default;

    /// <summary>
    /// Whether half of the training images, at random, are mirrored left to right; null for what suits the data set. Pictures of
    /// <c>folder</c>, of which that is not known, are not. Beside <see cref="TrainingOptions.Augmentation"/>, which says it too, they must
    /// agree.
    /// </summary>
    public bool? HorizontalFlip { get; init; }

    /// <summary>The recipe of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static TrainingRecipe For(string name) => Known.FirstOrDefault(recipe => recipe.Name == name)
        ?? throw new ArgumentException($"There is no recipe '{name}'; known are {string.Join(", ", Names)}.", nameof(name));

    /// <summary>How many steps an epoch has: whole batches only, and whole steps of accumulated ones.</summary>
    /// <param name="images">The training split; one smaller than a batch is one batch.</param>
    /// <exception cref="ArgumentException">The recipe does not work, or not with so few images; all problems are listed.</exception>
    public int StepsPerEpoch(ImageSplit images)
    {
        ArgumentNullException.ThrowIfNull(images);
        RequireRight(images);
        return BatchSource.StepsOf(images, BatchSize) / AccumulateBatches;
    }

    /// <summary>How this recipe varies the images of a data set.</summary>
    /// <param name="data">Its own moves and mirroring are part of it.</param>
    /// <exception cref="ArgumentException"><see cref="Augmentation"/> is no known name.</exception>
    public Augmentation AugmentationFor(ImageDataset data)
    {
        var preset = AugmentationPreset.For(Augmentation, data);
        return HorizontalFlip is { } flip ? preset with { HorizontalFlip = flip } : preset;
    }

    /// <summary>
    /// The batches of an epoch in a loop of one's own: those of <see cref="StepsPerEpoch"/> steps, drawn, varied and normalised as
    /// <see cref="Trainer"/> does, a few of them ahead in the background.
    /// </summary>
    /// <param name="data">Its training split is what is drawn from.</param>
    /// <param name="epoch">From 1: each has its own order and variations, which follow from it and the seed.</param>
    /// <param name="seed">Of order and variations.</param>
    /// <param name="device">Where the tensors are; CPU when null.</param>
    /// <param name="normalization">
    /// What the network's weights are used to, such as <see cref="TrainingOptions.Normalization"/> of
    /// <see cref="TrainingOptions.StartingFrom"/>; null for <see cref="ImageDataset.Normalization"/>.
    /// </param>
    /// <returns>Batches, whose tensors are disposed of when the next one is asked for.</returns>
    /// <exception cref="ArgumentException">
    /// The recipe does not work, or not with so few images (all problems are listed), or the normalisation is for other channels.
    /// </exception>
    public IEnumerable<ImageBatch> Batches(
        ImageDataset data, int epoch, int seed = 0, Device? device = null, ImageNormalization? normalization = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentOutOfRangeException.ThrowIfLessThan(epoch, 1);
        RequireRight(data.Train);
        data.RequireChannels(normalization);
        LibtorchLoading.Require();
        var size = Math.Min(BatchSize, data.Train.Count);
        var source = BatchSource.ForTraining(
            data.Train, normalization ?? data.Normalization, size, AugmentationFor(data), seed, epoch,
            StepsPerEpoch(data.Train) * AccumulateBatches);
        return source.From(0).Tensors(data.Train, device ?? CPU);
    }

    /// <param name="images">The training split, where one is known.</param>
    /// <exception cref="ArgumentException">A value is out of range, or does not fit the split; all are listed.</exception>
    internal void RequireRight(ImageSplit? images = null)
    {
        var misfits = images is null ? [] : Misfits(images);
        if (Problems().Concat(misfits).ToList() is not { Count: > 0 } problems) return;
        throw new ArgumentException($"The recipe does not work: {string.Join("; ", problems)}.");
    }

    internal NetworkSpec Of(NetworkSpec network) => Dropout is { } dropout ? network with { Dropout = dropout } : network;

    /// <summary>What of it does not work with a training split.</summary>
    internal IEnumerable<string> Misfits(ImageSplit images)
    {
        if (AccumulateBatches > 1 && BatchSize >= 2 && BatchSource.StepsOf(images, BatchSize) is var steps && AccumulateBatches > steps)
        {
            yield return $"accumulated batches is {AccumulateBatches}, but the training split has {steps} of {BatchSize} images";
        }

        if (BatchSource.Misfit(images, BatchSize) is { } tooLarge) yield return tooLarge;
        if (images.Count < 2) yield return $"the training split has {images.Count} image, it must have at least 2";
    }

    internal IEnumerable<string> Problems() => Wrong().Select(FormattableString.Invariant);

    private IEnumerable<FormattableString> Wrong()
    {
        const string atLeast0Below1 = "it must be at least 0 and below 1";
        if (Epochs is < 1 or > 100_000) yield return $"epochs is {Epochs}, it must be from 1 to 100000";
        if (BatchSize is < 2 or > 65_536) yield return $"batch size is {BatchSize}, it must be from 2 to 65536";
        if (AccumulateBatches is < 1 or > 65_536) yield return $"accumulated batches is {AccumulateBatches}, it must be from 1 to 65536";
        if (!Enum.IsDefined(Optimizer)) yield return $"the optimizer is {Optimizer}, known are Sgd and AdamW";
        if (!Enum.IsDefined(Schedule)) yield return $"the schedule is {Schedule}, known are Cosine and Step";
        if (!(AdamBeta1 is >= 0 and < 1)) yield return $"AdamW's β1 is {AdamBeta1}, {atLeast0Below1}";
        if (!(AdamBeta2 is >= 0 and < 1)) yield return $"AdamW's β2 is {AdamBeta2}, {atLeast0Below1}";
        if (ClipNorm is { } norm && (!(norm > 0) || !double.IsFinite(norm)))
        {
            yield return $"the norm that gradients are clipped to is {norm}, it must be a finite number above 0";
        }

        if (!(EmaDecay is >= 0 and < 1)) yield return $"the decay of the average is {EmaDecay}, it must be at least 0 (none) and below 1";
        if (Patience is < 1) yield return $"patience is {Patience}, it must be 1 or more";
        if (!(LearningRate > 0) || !double.IsFinite(LearningRate))
        {
            yield return $"learning rate is {LearningRate}, it must be a finite number above 0";
        }

        if (!(Momentum is >= 0 and < 1)) yield return $"momentum is {Momentum}, {atLeast0Below1}";
        if (Optimizer == OptimizerKind.Sgd && Nesterov && Momentum == 0) yield return $"Nesterov's momentum needs a momentum above 0";
        if (!(WeightDecay >= 0) || !double.IsFinite(WeightDecay))
        {
            yield return $"weight decay is {WeightDecay}, it must be a finite number, 0 or more";
        }

        if (!(LabelSmoothing is >= 0 and < 1)) yield return $"label smoothing is {LabelSmoothing}, {atLeast0Below1}";
        if (Dropout is { } dropout && !(dropout is >= 0 and < 1)) yield return $"dropout is {dropout}, {atLeast0Below1}";
        if (!(WarmupEpochs >= 0) || !double.IsFinite(WarmupEpochs))
        {
            yield return $"warm-up epochs is {WarmupEpochs}, it must be a finite number, 0 or more";
        }

        if (!AugmentationPreset.Names.Contains(Augmentation))
        {
            yield return $"the augmentation is '{Augmentation}', known are {string.Join(", ", AugmentationPreset.Names)}";
        }
    }
}
