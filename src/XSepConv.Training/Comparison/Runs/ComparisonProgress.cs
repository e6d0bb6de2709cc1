namespace XSepConv.Training;

/// <summary>How far a comparison is.</summary>
/// <param name="RunsDone">Runs behind it.</param>
/// <param name="Run">The run that this is about; null when all are done and latencies are measured.</param>
/// <param name="Share">The share of that run that is done, 0 … 1.</param>
/// <param name="Total">The share of all runs, 0 … 1.</param>
/// <param name="Step">What the run said last.</param>
/// <param name="Finished">What it came to, once, at its end.</param>
/// <param name="ImagesPerSecond">What it trained with, the median of its epochs, at its end; null where its log has no times.</param>
internal sealed record ComparisonProgress(
    int RunsDone, int Runs, ComparedRun? Run, double Share, double Total, TrainingProgress? Step, RunOutcome? Finished,
    double? ImagesPerSecond = null);

/// <summary>Does a run, here or in a process of its own.</summary>
/// <returns>False when it was cancelled; otherwise its outcome has been written.</returns>
internal delegate bool RunExecutor(ComparedRun run, IProgress<TrainingProgress> progress, CancellationToken cancel);
