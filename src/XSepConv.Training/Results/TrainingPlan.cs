namespace XSepConv.Training;

/// <summary>What a run is going to do, known before it begins.</summary>
internal sealed record TrainingPlan
{
    public required NetworkSpec Network { get; init; }

    public required ImageDataset Data { get; init; }

    public required Augmentation Augmentation { get; init; }

    public required ImageNormalization Normalization { get; init; }

    /// <summary>The weights it starts from and what of them stays, in words; nothing where they are random.</summary>
    public IReadOnlyList<string> Start { get; init; } = [];

    public required string Device { get; init; }

    public required int Threads { get; init; }

    /// <summary>Images in a batch, those of all processes together.</summary>
    public required int BatchSize { get; init; }

    /// <summary>How many batches one step takes the mean gradient of.</summary>
    public int BatchesPerStep { get; init; } = 1;

    public int Processes { get; init; } = 1;

    public int ImagesPerStep => BatchSize * BatchesPerStep;

    public required int Epochs { get; init; }

    public required int StepsPerEpoch { get; init; }

    public required LearningRateSchedule Schedule { get; init; }

    /// <summary>The epoch it begins in, from 1; beyond <see cref="Epochs"/> when a resumed run has trained already.</summary>
    public required int StartEpoch { get; init; }

    /// <summary>Steps of that epoch that are done already.</summary>
    public required int StartStep { get; init; }

    public required string OutputDirectory { get; init; }

    /// <summary>What the user ought to know, such as that a resumed run began on another number of threads.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}
