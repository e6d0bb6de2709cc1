namespace XSepConv.Training;

/// <summary>How far a comparison is.</summary>
/// <param name="RunsDone">Runs behind it.</param>
/// <param name="Runs">All runs.</param>
/// <param name="Run">The run at work; null when all are done and latencies are measured.</param>
/// <param name="Share">The share of that run that is done, 0 … 1.</param>
/// <param name="Step">What it said last.</param>
/// <param name="Finished">What it came to, once, at its end.</param>
internal sealed record ComparisonProgress(int RunsDone, int Runs, ComparedRun? Run, double Share, TrainingProgress? Step, RunOutcome? Finished);

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
internal sealed class Comparison(ComparisonFolder folder, ComparisonManifest manifest, RunExecutor execute)
{
    // The test at the end is about this share of a run.
    private const double TestShare = 0.03;

    /// <summary>Does what is left.</summary>
    /// <param name="progress">Told about every step.</param>
    /// <param name="cancel">Ends it where it can be continued.</param>
    /// <returns>The report, which has been written; null when it was cancelled.</returns>
    public ComparisonReport? Run(IProgress<ComparisonProgress>? progress = null, CancellationToken cancel = default)
    {
        ComparedRun[] runs = [.. manifest.Runs];
        for (var done = 0; done < runs.Length; done++)
        {
            var run = runs[done];
            if (folder.Outcome(run) is null)
            {
                if (cancel.IsCancellationRequested || !execute(run, new Follow(progress, run, done, runs.Length), cancel)) return null;
            }

            var outcome = folder.Outcome(run) ?? throw new InvalidOperationException($"The run {run.Id} has ended without an outcome.");
            progress?.Report(new(done + 1, runs.Length, run, 0, null, outcome));
        }

        if (cancel.IsCancellationRequested) return null;
        progress?.Report(new(runs.Length, runs.Length, null, 0, null, null));
        var latencies = Latencies.Measure(manifest, network => Path.Combine(folder.RunPath(new(network, 0)), Checkpoint.BestFileName));
        var report = ComparisonReport.Of(folder, manifest, latencies);
        ReportFiles.Write(folder, report);
        return report;
    }

    private sealed class Follow(IProgress<ComparisonProgress>? progress, ComparedRun run, int done, int runs) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            var part = value.Steps > 0 ? (double)value.Step / value.Steps : 0;
            var share = value.Phase switch
            {
                "train" => (1 - TestShare) * (value.Epoch - 1 + part) / value.Epochs,
                "test" => 1 - TestShare + (TestShare * part),
                _ => (1 - TestShare) * value.Epoch / value.Epochs,
            };
            progress?.Report(new(done, runs, run, Math.Clamp(share, 0, 1), value, null));
        }
    }
}
