using System.Runtime.ExceptionServices;

namespace XSepConv.Training;

/// <summary>Does the runs of a comparison in order, several at a time: each is waited for by a thread.</summary>
internal sealed class RunQueue(
    ComparisonFolder folder, ComparisonManifest manifest, RunExecutor execute, IProgress<ComparisonProgress>? progress)
{
    // The test at the end is about this share of a run.
    private const double TestShare = 0.03;

    private readonly ComparedRun[] _runs = [.. manifest.Runs];
    private readonly Lock _lock = new();
    private readonly Dictionary<ComparedRun, double> _shares = [];
    private int _next, _done;
    private bool _stopped;
    private ExceptionDispatchInfo? _failure;

    /// <summary>
    /// Does what is left. When a run fails, those beside it are stopped where they can be continued, and the failure is thrown.
    /// </summary>
    /// <returns>Whether all are done.</returns>
    public bool Run(int atATime, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Thread[] others =
            [.. Enumerable.Range(1, Math.Max(0, Math.Min(atATime, _runs.Length) - 1)).Select(_ => new Thread(() => Work(stop)))];
        foreach (var thread in others) thread.Start();
        Work(stop);
        foreach (var thread in others) thread.Join();
        _failure?.Throw();
        return !_stopped;
    }

    private void Work(CancellationTokenSource stop)
    {
        try
        {
            while (Next() is { } run)
            {
                if (folder.Outcome(manifest, run) is null
                    && (stop.IsCancellationRequested || !execute(run, new Follow(this, run), stop.Token)))
                {
                    Stop(null, stop);
                    return;
                }

                var outcome = folder.Outcome(manifest, run) ?? throw new InvalidOperationException(
                    $"The run {run.Id} has ended without an outcome.");
                lock (_lock)
                {
                    _shares.Remove(run);
                    _done++;
                    Report(run, 1, null, outcome);
                }
            }
        }
        catch (Exception failure)
        {
            Stop(ExceptionDispatchInfo.Capture(failure), stop);
        }
    }

    private ComparedRun? Next()
    {
        lock (_lock) return _failure is null && !_stopped && _next < _runs.Length ? _runs[_next++] : null;
    }

    // Not under the lock: runs beside this one answer to it.
    private void Stop(ExceptionDispatchInfo? failure, CancellationTokenSource stop)
    {
        lock (_lock)
        {
            _failure ??= failure;
            _stopped = true;
        }

        stop.Cancel();
    }

    private void Report(ComparedRun run, double share, TrainingProgress? step, RunOutcome? finished) =>
        progress?.Report(new(
            _done, _runs.Length, run, share, (_done + _shares.Values.Sum()) / _runs.Length, step, finished,
            finished is null ? null : Median.Of(folder.Log(run).Select(epoch => epoch.ImagesPerSecond))));

    private sealed class Follow(RunQueue queue, ComparedRun run) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            var part = value.Steps > 0 ? (double)value.Step / value.Steps : 0;
            var share = Math.Clamp(value.Phase switch
            {
                "train" => (1 - TestShare) * (value.Epoch - 1 + part) / value.Epochs,
                "test" => 1 - TestShare + (TestShare * part),
                _ => (1 - TestShare) * value.Epoch / value.Epochs,
            }, 0, 1);
            lock (queue._lock)
            {
                queue._shares[run] = share;
                queue.Report(run, share, value, null);
            }
        }
    }
}
