namespace XSepConv.Kernels;

/// <summary>Independent items of work: any thread may take any of them, and the result is the same.</summary>
internal interface IKernelWork
{
    /// <summary>
    /// Lays its buffers out, then runs the items; without memory behind the layout nothing more, since it is only measured then.
    /// </summary>
    void Run(int first, int end, ref ScratchLayout layout);
}

/// <summary>Hands ranges of items to threads.</summary>
internal static class KernelThreads
{
    // Ranges per thread: few, so that per-range preparation stays small; more than one, so that a late thread finds less to do.
    private const int RangesPerThread = 4;

    /// <summary>Who runs them, beside the calling thread.</summary>
    public static IKernelTeam Team { get; set; } = new PoolTeam();

    public static unsafe void Run<TWork>(in TWork work, int items, int threads, int lanes)
        where TWork : struct, IKernelWork
    {
        var measured = new ScratchLayout(null, lanes);
        work.Run(0, 0, ref measured);
        threads = Math.Min(threads, items);
        if (threads == 1)
        {
            using var scratch = ScratchBuffer.Rent(measured.Taken);
            KernelMemory.LeaveAllOwn();
            var layout = new ScratchLayout(scratch.Pointer, lanes);
            work.Run(0, items, ref layout);
            return;
        }

        RunParallel(work, items, threads, lanes, measured.Taken);
    }

    private static unsafe void RunParallel<TWork>(TWork work, int items, int threads, int lanes, long floats)
        where TWork : struct, IKernelWork
    {
        var ranges = Math.Min(items, threads * RangesPerThread);
        var next = -1;
        Team.Run(() =>
        {
            using var scratch = ScratchBuffer.Rent(floats);
            for (var range = Interlocked.Increment(ref next); range < ranges; range = Interlocked.Increment(ref next))
            {
                KernelMemory.LeaveAllOwn();
                var layout = new ScratchLayout(scratch.Pointer, lanes);
                work.Run((int)((long)items * range / ranges), (int)((long)items * (range + 1) / ranges), ref layout);
            }
        }, threads);
    }
}
