using System.CommandLine;
using System.Runtime.ExceptionServices;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Training;

namespace XSepConv.Cli.Options;

/// <summary>Training by several processes, which <c>mpirun</c> has started, and how an error in one of them ends all.</summary>
internal sealed class DistributedOptions
{
    private const string Mpi = "mpi";

    public Option<string?> Option { get; } = CheckedOption.OptionalChoice(
        "--distributed", [Mpi], "Train together with the other processes that mpirun started (Open MPI); each "
            + "takes its share of every batch.");

    /// <summary>The processes that train together: this one alone, unless others are asked for.</summary>
    public ProcessGroup Join(ParseResult result, TextWriter error)
    {
        if (result.GetValue(Option) is null) return ProcessGroup.Alone;

        // mpirun gives its processes a terminal of their own and passes on what they write: colours and cursor movements would end up in
        // files.
        Environment.SetEnvironmentVariable("TERM", "dumb");
        try
        {
            var processes = ProcessGroup.Mpi();
            if (processes.Size == 1)
            {
                error.WriteLine(
                    $"--distributed {Mpi}: mpirun started no other process (mpirun -np 2 {ErrorText.Tool} train "
                        + "…), so this one trains alone.");
            }

            return processes;
        }
        catch (PlatformNotSupportedException e)
        {
            throw new UserError($"--distributed is '{Mpi}', but: {e.Message}");
        }
    }

    /// <summary>
    /// Does the work of one of several processes. An error that the others do not have ends them too: they would wait for ever.
    /// </summary>
    public static int Together(ProcessGroup processes, TextWriter error, Func<int> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is not AgreedException)
        {
            var (message, exitCode) = ErrorText.Explain(e);
            ErrorText.Write(error, $"{ErrorText.Tool} train, process {processes.Rank} of {processes.Size}", message);
            error.Flush();
            processes.Abort(exitCode);
            throw;
        }
        catch (AgreedException agreed)
        {
            if (agreed.InnerException is { } own) ExceptionDispatchInfo.Throw(own);
            return ExitCode.BadInput;
        }
    }

    /// <summary>Lets all processes prepare; where one of them can't, none goes on, and one of those that can't says why.</summary>
    public static T Agree<T>(ProcessGroup processes, Func<T> prepare)
    {
        if (processes.Size == 1) return prepare();
        var (prepared, failure) = Try(prepare);
        var firstFailed = processes.Any(processes.IsFirst && failure is not null);
        if (!processes.Any(failure is not null)) return prepared!;

        // All know, so that none waits.
        processes.Failure = null;
        throw new AgreedException(processes.IsFirst || !firstFailed ? failure : null);
    }

    private static (T? Prepared, Exception? Failure) Try<T>(Func<T> prepare)
    {
        try
        {
            return (prepare(), null);
        }
        catch (Exception e) when (e is UserError or IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException
            or InvalidOperationException)
        {
            return (default, e);
        }
    }

    private sealed class AgreedException(Exception? own) : Exception(null, own);
}
