namespace XSepConv.Training;

/// <summary>The processes that train one network together, each on its share of every batch.</summary>
public abstract class ProcessGroup : IDisposable
{
    private protected ProcessGroup()
    {
    }

    /// <summary>This process alone.</summary>
    public static ProcessGroup Alone { get; } = new SingleProcess();

    /// <summary>Which of the processes this is: 0 … <see cref="Size"/> − 1. The process 0 writes the files.</summary>
    public abstract int Rank { get; }

    /// <summary>How many there are.</summary>
    public abstract int Size { get; }

    /// <summary>Whether this is the process that writes files and shows progress.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>
    /// Joins the processes that <c>mpirun</c> started, through the C API of Open MPI; a process that mpirun did not start is a group of
    /// one. Once in a process.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException">
    /// There is no Open MPI here, or it is another MPI; the message says what to install.
    /// </exception>
    public static ProcessGroup Mpi() => MpiProcesses.Join();

    /// <summary>Whether any of the processes says so: all call it, all get the same answer, none before all have called.</summary>
    public bool Any(bool here)
    {
        Span<double> votes = [here ? 1 : 0];
        Sum(votes);
        return votes[0] > 0;
    }

    /// <summary>Ends all processes at once, this one too: one of them can't go on, and the others would wait for it for ever.</summary>
    public abstract void Abort(int exitCode);

    /// <summary>
    /// Leaves the group. Where a <see cref="Trainer"/> of this process ended with an exception, the others wait for it: its message goes to
    /// the error output, and all processes are ended.
    /// </summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Why this process can't go on with the others, which wait for it: then all end with it. Null while it can.</summary>
    internal Exception? Failure { get; set; }

    /// <summary>Notes what ends the work of this process, where others wait for it.</summary>
    internal void Fail(Exception exception)
    {
        if (Size > 1) Failure = exception;
    }

    /// <summary>Replaces each number by the sum over all processes; all call it with as many.</summary>
    internal abstract void Sum(Span<float> values);

    /// <summary>Replaces each number by the sum over all processes; all call it with as many.</summary>
    internal abstract void Sum(Span<double> values);

    /// <summary>Leaves the group.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    private sealed class SingleProcess : ProcessGroup
    {
        public override int Rank => 0;

        public override int Size => 1;

        public override void Abort(int exitCode) => Environment.Exit(exitCode);

        internal override void Sum(Span<float> values)
        {
        }

        internal override void Sum(Span<double> values)
        {
        }
    }
}
