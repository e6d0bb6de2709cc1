namespace XSepConv.Training;

/// <summary>How far a comparison is.</summary>
/// <param name="RunsDone">Runs behind it.</param>
/// <param name="Runs">All runs.</param>
/// <param name="Run">The run that this is about; null when all are done and latencies are measured.</param>
/// <param name="Share">The share of that run that is done, 0 … 1.</param>
/// <param name="Total">The share of all runs, 0 … 1.</param>
/// <param name="Step">What the run said last.</param>
/// <param name="Finished">What it came to, once, at its end.</param>
internal sealed record ComparisonProgress(int RunsDone, int Runs, ComparedRun? Run, double Share, double Total, TrainingProgress? Step, RunOutcome? Finished);

/// <summary>Does a run, here or in a process of its own.</summary>
/// <param name="run">The run.</param>
/// <param name="progress">To be told about steps.</param>
/// <param name="cancel">To end it where it can be continued.</param>
/// <returns>False when it was cancelled; otherwise its outcome has been written.</returns>
internal delegate bool RunExecutor(ComparedRun run, IProgress<TrainingProgress> progress, CancellationToken cancel);

/// <summary>
/// Trains every network with every seed, measures latencies, and writes the report. What was done by an earlier process that was killed or cancelled is not
/// done again.
/// </summary>
internal sealed class Comparison(ComparisonFolder folder, ComparisonManifest manifest, RunExecutor execute, int atATime = 1)
{
    /// <summary>Does what is left.</summary>
    /// <param name="progress">Told about every step, by one run at a time.</param>
    /// <param name="cancel">Ends it where it can be continued.</param>
    /// <returns>The report, which has been written; null when it was cancelled.</returns>
    public ComparisonReport? Run(IProgress<ComparisonProgress>? progress = null, CancellationToken cancel = default)
    {
        var runs = manifest.Runs.Count();
        if (!new RunQueue(folder, manifest, execute, progress).Run(atATime, cancel) || cancel.IsCancellationRequested) return null;
        progress?.Report(new(runs, runs, null, 0, 1, null, null));
        var latencies = Latencies.Measure(manifest, network => Path.Combine(folder.RunPath(new(network, 0)), Checkpoint.BestFileName));
        var report = ComparisonReport.Of(folder, manifest, latencies);
        ReportFiles.Write(folder, report);
        return report;
    }
}
