using System.Diagnostics;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Startup;
using XSepConv.Training;

namespace XSepConv.Cli.ComparedRuns;

/// <summary>
/// This program as the process of one run of a comparison, so that the memory it needs is that run's alone. It ends when its parent does:
/// standard input,
/// which only the parent holds, ends then.
/// </summary>
internal static class RunWorker
{
    /// <summary>The first argument; the comparison's folder and the run's id follow. Not a command for people.</summary>
    public const string Verb = "compared-run";

    /// <summary>What it exits with where the loss or a weight is no longer a number.</summary>
    public const int Diverged = 3;

    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);

    public static int Run(string folder, string id)
    {
        using var stop = new CancellationTokenSource();
        using var interrupts = new Interrupts(onFirst: stop.Cancel);
        try
        {
            Nnpack.SwitchOffWhereUnsupported();
            Listen(stop);
            return Run(new ComparisonFolder(folder), id, stop.Token) ? ExitCode.Done : interrupts.ExitCode;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return interrupts.ExitCode;
        }
        catch (Exception e)
        {
            var (message, exitCode) = ErrorText.Explain(e);
            Console.Error.WriteLine(ErrorText.OneLine(message));
            return e is TrainingDivergedException ? Diverged : exitCode;
        }
    }

    private static bool Run(ComparisonFolder folder, string id, CancellationToken cancel)
    {
        var manifest = folder.Manifest();
        var run = manifest.Runs.FirstOrDefault(run => run.Id == id) ?? throw new UserError($"{folder.FullName} compares no run '{id}'.");
        var images = DatasetCatalog.Open(manifest.Data.Name, manifest.Data.Options(run.Seed), progress: null, cancel);
        return RunExecution.Execute(folder, manifest, run, images, ownProcess: true, new Reporter(), cancel);
    }

    private static void Listen(CancellationTokenSource stop)
    {
        var listener = new Thread(() =>
        {
            while (Console.In.ReadLine() is { } line)
            {
                if (line == WorkerLine.Stop) stop.Cancel();
            }

            // Whatever is at work can be killed at any moment: that is how the parent may have ended, too.
            using var self = Process.GetCurrentProcess();
            self.Kill();
        })
        { IsBackground = true };
        listener.Start();
    }

    private sealed class Reporter : IProgress<TrainingProgress>
    {
        private long last;

        public void Report(TrainingProgress value)
        {
            if (value.Finished is null && last != 0 && Stopwatch.GetElapsedTime(last) < Between) return;
            last = Stopwatch.GetTimestamp();
            Console.Out.WriteLine(WorkerLine.Write(value));
        }
    }
}
