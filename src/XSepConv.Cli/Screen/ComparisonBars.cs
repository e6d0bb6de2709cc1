using System.Diagnostics;
using Spectre.Console;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>A line for each run that has ended; on a live screen a bar over all runs, too, and one for each run at work.</summary>
internal sealed class ComparisonBars(IAnsiConsole console, ProgressContext? live, CancellationToken stopping)
    : IProgress<ComparisonProgress>
{
    private readonly Dictionary<ComparedRun, Bar> runs = [];
    private readonly Bar? all = live is null ? null : new Bar(live.AddTask("starting", maxValue: 1));

    public void Report(ComparisonProgress value)
    {
        if (value is { Finished: { } outcome, Run: { } ended })
        {
            if (runs.Remove(ended, out var bar)) bar.End();
            foreach (var line in RunLine.For(console.Profile.Width, value.RunsDone, value.Runs, ended, outcome, value.ImagesPerSecond))
            {
                if (live is null) console.WriteLine(line);
                else Consoles.WriteAboveBars(console, line);
            }
        }

        if (all is null) return;
        var left = all.Move(value.Total, measured: value.Step is not null);
        all.Say(
            stopping.IsCancellationRequested ? "stopping" : value.Run is null ? "latencies" : $"{value.RunsDone} of {value.Runs} runs",
            left is { } time ? $"ETA {EpochLine.Duration(time)}" : "");
        if (value is not { Step: { } step, Run: { } run }) return;
        if (!runs.TryGetValue(run, out var own)) runs.Add(run, own = new Bar(live!.AddTask(Name(run), maxValue: 1)));
        own.Say(Name(run), SpeedColumn.Text(step, own.Move(value.Share, measured: true)));
    }

    private static string Name(ComparedRun run) => $"{run.Network.Id} seed {run.Seed}";

    /// <summary>A bar that knows when it will be full: not from what an earlier process did.</summary>
    private sealed class Bar(ProgressTask task)
    {
        private readonly Stopwatch watch = Stopwatch.StartNew();
        private double start = -1;

        public TimeSpan? Move(double share, bool measured)
        {
            if (start < 0 && measured) start = share;

            // One that is full is hidden, and ends before it is.
            task.Value = Math.Min(share, 0.9999);
            return start >= 0 && share > start ? watch.Elapsed / (share - start) * (1 - share) : null;
        }

        public void Say(string description, object beside) => (task.Description, task.Tag) = (description, beside);

        public void End() => task.Value = task.MaxValue;
    }
}
