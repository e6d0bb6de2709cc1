using System.Diagnostics;
using XSepConv.Cli.Errors;
using XSepConv.Training;

namespace XSepConv.Cli.ComparedRuns;

/// <summary>Runs a comparison's run in a process of its own.</summary>
internal static class WorkerProcess
{
    // Ctrl-C in a terminal reaches this process and that of the run, in any order.
    private static readonly TimeSpan SameSignal = TimeSpan.FromSeconds(2);

    /// <summary>Waits until it has ended.</summary>
    /// <returns>False when it was cancelled, saved.</returns>
    /// <exception cref="UserError">It failed, or somebody ended it, but not this program.</exception>
    public static bool Execute(ComparisonFolder folder, ComparedRun run, IProgress<TrainingProgress> progress, CancellationToken cancel)
    {
        using var process = Process.Start(StartOf(folder.FullName, run.Id))
            ?? throw new UserError("The process of a run can't be started.", ExitCode.Failed);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using (cancel.Register(() => Tell(process, WorkerLine.Stop)))
        {
            while (process.StandardOutput.ReadLine() is { } line)
            {
                if (WorkerLine.Read(line) is { } step) progress.Report(step);
            }

            process.WaitForExit();
        }

        if (process.ExitCode == ExitCode.Done) return true;
        var signal = SignalOf(process.ExitCode);
        if (signal is not null && cancel.WaitHandle.WaitOne(SameSignal)) return false;
        var said = error.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault();
        var why = signal is not null ? $"its process was ended by {signal}" : said ?? $"its process ended with {process.ExitCode}";
        if (process.ExitCode == RunWorker.Diverged)
        {
            throw new UserError(
                $"The run {run.Id} diverged: {why.TrimEnd('.')}. With the same recipe it would again, so --resume is of no use: compare "
                + $"anew, in another --out, with a lower --lr or with --clip. What was done is kept in {folder.FullName}.",
                ExitCode.Failed);
        }

        throw new UserError(
            $"The run {run.Id} failed: {why.TrimEnd('.')}. What is done is kept; once that is mended, continue with --resume.",
            process.ExitCode == ExitCode.BadInput ? ExitCode.BadInput : ExitCode.Failed);
    }

    private static string? SignalOf(int exitCode) => exitCode switch
    {
        ExitCode.HungUp => "SIGHUP",
        ExitCode.Interrupted => "SIGINT",
        ExitCode.Terminated => "SIGTERM",
        128 + 9 => "SIGKILL, as the system does where memory is used up",
        _ => null,
    };

    private static ProcessStartInfo StartOf(string folder, string run)
    {
        var assembly = typeof(WorkerProcess).Assembly;
        var (host, library) = (Environment.ProcessPath, assembly.Location);

        // As `xsepconv`, or as `dotnet xsepconv.dll`.
        var isProgram = Path.GetFileNameWithoutExtension(host) == assembly.GetName().Name;
        var start = new ProcessStartInfo(isProgram ? host! : Path.GetFileNameWithoutExtension(host) == "dotnet" ? host! : "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        string[] arguments = [.. isProgram ? Array.Empty<string>() : ["exec", library], RunWorker.Verb, folder, run];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return start;
    }

    private static void Tell(Process process, string line)
    {
        try
        {
            process.StandardInput.WriteLine(line);
            process.StandardInput.Flush();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // It has ended by itself.
        }
    }
}
