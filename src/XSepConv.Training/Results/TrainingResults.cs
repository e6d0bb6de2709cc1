namespace XSepConv.Training;

/// <summary>What an epoch came to: a line of <c>log.jsonl</c>.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="TrainLoss">Mean over the steps, with label smoothing, on augmented images while the weights moved.</param>
/// <param name="TrainTop1">0 … 1, on the same images.</param>
/// <param name="ValidationLoss">Mean cross-entropy on the validation split, after the epoch.</param>
/// <param name="ValidationTop1">0 … 1, on the validation split, after the epoch.</param>
/// <param name="LearningRate">Of the last step.</param>
/// <param name="Best">Whether it is the best so far by validation top-1, by validation loss where equal.</param>
/// <param name="Seconds">Training time without validation; null where the log was lost and the line comes from a checkpoint.</param>
/// <param name="ImagesPerSecond">Training images a second; null as above.</param>
/// <param name="DataWait">The share of the training time in which a step waited for its images, 0 … 1; null as above.</param>
public sealed record EpochResult(
    int Epoch,
    double TrainLoss,
    double TrainTop1,
    double ValidationLoss,
    double ValidationTop1,
    double LearningRate,
    bool Best,
    double? Seconds = null,
    double? ImagesPerSecond = null,
    double? DataWait = null)
{
    /// <summary>Pictures of the data set that the run went without, because they can't be read; null for none.</summary>
    public int? SkippedImages { get; init; }

    /// <summary>The same without what a clock said.</summary>
    internal EpochResult Timeless => this with { Seconds = null, ImagesPerSecond = null, DataWait = null };
}

/// <summary>Where a run is.</summary>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="Epochs">All epochs.</param>
/// <param name="Step">Steps of the phase that are done.</param>
/// <param name="Steps">All steps of the phase.</param>
/// <param name="Loss">Of the last step; in other phases than training, of the epoch so far.</param>
/// <param name="ImagesPerSecond">Over the last steps.</param>
/// <param name="LearningRate">Of the last step.</param>
/// <param name="Phase"><c>train</c>, <c>validate</c> (steps are images), <c>epoch</c> (it has ended) or <c>test</c> (steps are images).</param>
/// <param name="Finished">The epoch's result, in phase <c>epoch</c>.</param>
public sealed record TrainingProgress(
    int Epoch, int Epochs, int Step, int Steps, double Loss, double ImagesPerSecond, double LearningRate, string Phase, EpochResult? Finished);

/// <summary>What a run came to.</summary>
/// <param name="EpochsDone">Whole epochs behind it.</param>
/// <param name="Completed">False when it was cancelled; it can be resumed.</param>
/// <param name="BestValidationTop1">Of the best epoch, 0 … 1; NaN before the first epoch's end.</param>
/// <param name="BestEpoch">The best epoch, from 1; 0 before the first epoch's end.</param>
/// <param name="Test">The best epoch's weights on the test split, once the run is completed.</param>
/// <param name="History">Every epoch.</param>
public sealed record TrainingResult(
    int EpochsDone, bool Completed, double BestValidationTop1, int BestEpoch, EvaluationResult? Test, IReadOnlyList<EpochResult> History)
{
    /// <summary>Whether it ended before its last epoch, because <see cref="TrainingOptions.Patience"/> ran out.</summary>
    public bool StoppedEarly { get; init; }

    /// <summary>What could not be made besides the checkpoints, such as the picture of the curves; null when all could.</summary>
    public string? Problem { get; init; }
}

/// <summary>What a run is going to do, known before it begins.</summary>
public sealed record TrainingPlan
{
    /// <summary>The network.</summary>
    public required NetworkSpec Network { get; init; }

    /// <summary>The data set's name.</summary>
    public required string Data { get; init; }

    /// <summary>Where the images came from.</summary>
    public required string DataSource { get; init; }

    /// <summary>Whether the images are generated.</summary>
    public required bool DataIsSynthetic { get; init; }

    /// <summary>Images learned from.</summary>
    public required int TrainImages { get; init; }

    /// <summary>Images that pick the best epoch.</summary>
    public required int ValidationImages { get; init; }

    /// <summary>Images measured once, at the end.</summary>
    public required int TestImages { get; init; }

    /// <summary>Images of each class, in the order of the labels.</summary>
    public IReadOnlyList<ClassCount> Classes { get; init; } = [];

    /// <summary>What was found in the data besides the images.</summary>
    public DatasetFindings Findings { get; init; } = DatasetFindings.None;

    /// <summary>Channels, height and width of an image.</summary>
    public required (int Channels, int Height, int Width) ImageShape { get; init; }

    /// <summary>How training images are varied.</summary>
    public required Augmentation Augmentation { get; init; }

    /// <summary>The device, such as <c>cpu</c> or <c>cuda:0</c>.</summary>
    public required string Device { get; init; }

    /// <summary>Torch's threads.</summary>
    public required int Threads { get; init; }

    /// <summary>Images in a batch, those of all processes together.</summary>
    public required int BatchSize { get; init; }

    /// <summary>How many batches one step takes the mean gradient of.</summary>
    public int BatchesPerStep { get; init; } = 1;

    /// <summary>How many processes train together.</summary>
    public int Processes { get; init; } = 1;

    /// <summary>Images in a step.</summary>
    public int ImagesPerStep => BatchSize * BatchesPerStep;

    /// <summary>All epochs.</summary>
    public required int Epochs { get; init; }

    /// <summary>Steps of an epoch.</summary>
    public required int StepsPerEpoch { get; init; }

    /// <summary>The learning rate of every step.</summary>
    public required LearningRateSchedule Schedule { get; init; }

    /// <summary>The epoch it begins in, from 1; beyond <see cref="Epochs"/> when a resumed run has trained already.</summary>
    public required int StartEpoch { get; init; }

    /// <summary>Steps of that epoch that are done already.</summary>
    public required int StartStep { get; init; }

    /// <summary>Where the files go.</summary>
    public required string OutputDirectory { get; init; }

    /// <summary>What the user ought to know, such as that a resumed run began on another number of threads.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}
