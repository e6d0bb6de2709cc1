namespace XSepConv.Kernels;

/// <summary>Threads that run a job together.</summary>
internal interface IKernelTeam
{
    /// <summary>Runs the job on the calling thread and on at most <paramref name="threads"/> − 1 others at once, and returns when all have left it.</summary>
    void Run(Action job, int threads);
}

/// <summary>The threads of .NET's pool.</summary>
internal sealed class PoolTeam : IKernelTeam
{
    public void Run(Action job, int threads) =>
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, _ => job());
}
