namespace XSepConv.Training;

/// <summary>
/// Trains every network with every seed, measures latencies, and writes the report. What was done by an earlier process that was killed or
/// cancelled is not done again.
/// </summary>
internal sealed class Comparison(ComparisonFolder folder, ComparisonManifest manifest, RunExecutor execute, int atATime = 1)
{
    /// <summary>Does what is left.</summary>
    /// <returns>The report, which has been written; null when it was cancelled.</returns>
    public ComparisonReport? Run(IProgress<ComparisonProgress>? progress = null, CancellationToken cancel = default)
    {
        var runs = manifest.Runs.Count();
        if (!new RunQueue(folder, manifest, execute, progress).Run(atATime, cancel) || cancel.IsCancellationRequested) return null;
        progress?.Report(new(runs, runs, null, 0, 1, null, null));
        IReadOnlyList<Latency> latencies;
        try
        {
            latencies = Latencies.Measure(
                manifest, network => Path.Combine(folder.RunPath(new(network, 0)), Checkpoint.BestFileName), cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return null;
        }

        var report = ComparisonReport.Of(folder, manifest, latencies);
        AtomicFile.WriteAllText(folder.Json, JsonReport.Write(report));
        AtomicFile.WriteAllText(folder.Markdown, MarkdownReport.Write(report));
        if (report.IsGrid && Drawing.Try(() => FrontierPicture.Draw(report)).Drawn is { } picture)
        {
            AtomicFile.Write(folder.Picture, file => file.Write(picture));
        }

        // Last: who sees it can rely on the others.
        AtomicFile.WriteAllText(folder.Html, HtmlReport.Write(report));
        return report;
    }
}
