namespace XSepConv.Training;

/// <summary>A named set of values for what decides how well a network learns; <see cref="Apply"/> puts them into options.</summary>
public sealed record TrainingRecipe
{
    private static readonly TrainingRecipe[] Known =
    [
        new()
        {
            Name = "quick", Epochs = 3, BatchSize = 32, Optimizer = OptimizerKind.Sgd, LearningRate = 0.02, WeightDecay = 1e-4, WarmupEpochs = 0.5,
            Schedule = ScheduleKind.Cosine, LabelSmoothing = 0.05, Augmentation = AugmentationPreset.Default,
        },
        new()
        {
            Name = "standard", Epochs = 30, BatchSize = 128, Optimizer = OptimizerKind.Sgd, LearningRate = 0.05, WeightDecay = 5e-4, WarmupEpochs = 1,
            Schedule = ScheduleKind.Cosine, LabelSmoothing = 0.1, Augmentation = "standard", EmaDecay = 0.995,
        },
        new()
        {
            Name = "strong", Epochs = 100, BatchSize = 128, Optimizer = OptimizerKind.AdamW, LearningRate = 2e-3, WeightDecay = 0.05, WarmupEpochs = 5,
            Schedule = ScheduleKind.Cosine, LabelSmoothing = 0.1, Augmentation = "strong", ClipNorm = 5, EmaDecay = 0.999, Dropout = 0.2,
        },
    ];

    /// <summary>The names, from the shortest to the longest run.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Known.Select(recipe => recipe.Name)];

    /// <summary>The recipe of <see cref="TrainingOptions"/>' defaults.</summary>
    public static TrainingRecipe Default => Known[0];

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Passes over the training split.</summary>
    public required int Epochs { get; init; }

    /// <summary>Images in a batch.</summary>
    public required int BatchSize { get; init; }

    /// <summary>How weights follow their gradients.</summary>
    public required OptimizerKind Optimizer { get; init; }

    /// <summary>The learning rate after warm-up.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Decay of weights.</summary>
    public required double WeightDecay { get; init; }

    /// <summary>Epochs of warm-up.</summary>
    public required double WarmupEpochs { get; init; }

    /// <summary>What the learning rate does after warm-up.</summary>
    public required ScheduleKind Schedule { get; init; }

    /// <summary>How much of the target is spread over all classes.</summary>
    public required double LabelSmoothing { get; init; }

    /// <summary>One of <see cref="AugmentationPreset.Names"/>.</summary>
    public required string Augmentation { get; init; }

    /// <summary>The most that all gradients together may measure; null for no limit.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>Decay of the average of the weights; 0 for none.</summary>
    public double EmaDecay { get; init; }

    /// <summary>Dropout before the last linear layer.</summary>
    public double Dropout { get; init; }

    /// <summary>The recipe of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static TrainingRecipe For(string name) => Known.FirstOrDefault(recipe => recipe.Name == name)
        ?? throw new ArgumentException($"There is no recipe '{name}'; known are {string.Join(", ", Names)}.", nameof(name));

    /// <summary>The options with this recipe's values, the network's dropout and the augmentation included; all else stays.</summary>
    /// <param name="options">For the network, the output directory, the seed.</param>
    /// <param name="data">What is learned: the presets of augmentation depend on it.</param>
    public TrainingOptions Apply(TrainingOptions options, ImageDataset data)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options with
        {
            Network = options.Network with { Dropout = Dropout },
            Epochs = Epochs,
            BatchSize = BatchSize,
            Optimizer = Optimizer,
            LearningRate = LearningRate,
            WeightDecay = WeightDecay,
            WarmupEpochs = WarmupEpochs,
            Schedule = Schedule,
            LabelSmoothing = LabelSmoothing,
            Augmentation = AugmentationPreset.For(Augmentation, data),
            ClipNorm = ClipNorm,
            EmaDecay = EmaDecay,
        };
    }
}
