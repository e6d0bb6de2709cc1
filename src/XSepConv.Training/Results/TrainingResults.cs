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
/// <param name="Phase">
/// <c>train</c>, <c>validate</c> (steps are images), <c>epoch</c> (it has ended) or <c>test</c> (steps are images).
/// </param>
/// <param name="Finished">The epoch's result, in phase <c>epoch</c>.</param>
public sealed record TrainingProgress(
    int Epoch, int Epochs, int Step, int Steps, double Loss, double ImagesPerSecond, double LearningRate, string Phase,
    EpochResult? Finished);

/// <summary>What a run came to.</summary>
/// <param name="EpochsDone">Whole epochs behind it.</param>
/// <param name="Completed">False when it was cancelled; it can be resumed.</param>
/// <param name="BestValidationTop1">Of the best epoch, 0 … 1; NaN before the first epoch's end.</param>
/// <param name="BestEpoch">The best epoch, from 1; 0 before the first epoch's end.</param>
/// <param name="Test">The best epoch's weights on the test split, once the run is completed.</param>
/// <param name="History">Every epoch, without what a clock said: that is in its log.</param>
public sealed record TrainingResult(
    int EpochsDone, bool Completed, double BestValidationTop1, int BestEpoch, EvaluationResult? Test, IReadOnlyList<EpochResult> History)
{
    /// <summary>Whether it ended before its last epoch, because <see cref="TrainingRecipe.Patience"/> ran out.</summary>
    public bool StoppedEarly { get; init; }

    /// <summary>What could not be made besides the checkpoints, such as the picture of the curves; null when all could.</summary>
    public string? Problem { get; init; }
}
