namespace XSepConv.Kernels;

/// <summary>Threads that run a stage together.</summary>
/// <remarks>
/// Stages run between libtorch's operators, on its threads where they can be had: others beside them would wait for the same cores. A
/// session of the runtime knows no libtorch and goes through some thirty phases a run, so it keeps a <see cref="WorkerTeam"/> awake, which
/// allocates nothing where its threads are its own.
/// </remarks>
internal interface IKernelTeam
{
    /// <summary>
    /// Runs the job on the calling thread and on at most <paramref name="threads"/> − 1 others at once, and returns when all have left it.
    /// </summary>
    void Run(Action job, int threads);
}

/// <summary>The threads of .NET's pool.</summary>
internal sealed class PoolTeam : IKernelTeam
{
    public void Run(Action job, int threads) =>
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, _ => job());
}
