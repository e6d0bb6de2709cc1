namespace XSepConv.Kernels;

/// <summary>Independent items of work: any thread may take any of them, and the result is the same.</summary>
internal interface IKernelWork
{
    /// <summary>Floats of scratch that a thread needs.</summary>
    long ScratchFloats { get; }

    unsafe void Run(int first, int end, float* scratch);
}

/// <summary>Hands ranges of items to threads.</summary>
internal static class KernelThreads
{
    // Ranges per thread: few, so that per-range preparation stays small; more than one, so that a late thread finds less to do.
    private const int RangesPerThread = 4;

    /// <summary>Who runs them, beside the calling thread.</summary>
    public static IKernelTeam Team { get; set; } = new PoolTeam();

    public static unsafe void Run<TWork>(in TWork work, int items, int threads)
        where TWork : struct, IKernelWork
    {
        threads = Math.Min(threads, items);
        if (threads == 1)
        {
            using var scratch = ScratchBuffer.Rent(work.ScratchFloats);
            work.Run(0, items, scratch.Pointer);
            return;
        }

        RunParallel(work, items, threads);
    }

    private static unsafe void RunParallel<TWork>(TWork work, int items, int threads)
        where TWork : struct, IKernelWork
    {
        var ranges = Math.Min(items, threads * RangesPerThread);
        var next = -1;
        Team.Run(() =>
        {
            using var scratch = ScratchBuffer.Rent(work.ScratchFloats);
            for (var range = Interlocked.Increment(ref next); range < ranges; range = Interlocked.Increment(ref next))
            {
                work.Run((int)((long)items * range / ranges), (int)((long)items * (range + 1) / ranges), scratch.Pointer);
            }
        }, threads);
    }
}
