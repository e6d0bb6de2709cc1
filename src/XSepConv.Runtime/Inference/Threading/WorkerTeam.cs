namespace XSepConv.Inference;

/// <summary>Threads that do one job together, again and again: they wait awake for a moment, then asleep.</summary>
/// <remarks>The caller is one of them. Nothing is allocated for a job.</remarks>
internal sealed class WorkerTeam
{
    // About as long as what lies between two runs of a busy session; longer would only warm the room.
    private const int Spins = 2_000;
    private const int AwakeWaits = 500;

    private readonly Worker[] _workers;
    private ITeamJob? _job;
    private int _generation;
    private int _running;
    private int _arrived;
    private int _phase;
    private volatile bool _stopped;

    public WorkerTeam(int threads)
    {
        Threads = threads;
        _workers = new Worker[threads - 1];
        for (var i = 0; i < _workers.Length; i++) _workers[i] = new Worker(this, i + 1);
    }

    /// <summary>How many there are, the caller included.</summary>
    public int Threads { get; }

    /// <summary>Runs the job on all threads and returns when all are done.</summary>
    public void Run(ITeamJob job)
    {
        _job = job;
        Volatile.Write(ref _running, _workers.Length);
        Interlocked.Increment(ref _generation);
        foreach (var worker in _workers) worker.Wake();
        job.Run(0);
        var waited = 0;
        while (Volatile.Read(ref _running) > 0) Pause(ref waited);
        _job = null;
    }

    /// <summary>Waits, inside a job, until every thread has come here.</summary>
    public void Meet()
    {
        var phase = Volatile.Read(ref _phase);
        if (Interlocked.Increment(ref _arrived) == Threads)
        {
            Volatile.Write(ref _arrived, 0);
            Volatile.Write(ref _phase, phase + 1);
            return;
        }

        var waited = 0;
        while (Volatile.Read(ref _phase) == phase) Pause(ref waited);
    }

    /// <summary>Ends the threads; no job may be running.</summary>
    public void Stop()
    {
        _stopped = true;
        Interlocked.Increment(ref _generation);
        foreach (var worker in _workers) worker.Wake();
    }

    // Others may need the processor that this one waits on: after a while it is offered to them, but never slept on.
    private static void Pause(ref int waited)
    {
        if (waited++ < AwakeWaits) Thread.SpinWait(4);
        else Thread.Yield();
    }

    private sealed class Worker : IDisposable
    {
        private readonly WorkerTeam _team;
        private readonly int _index;
        private readonly AutoResetEvent _wake = new(false);
        private int _asleep;

        public Worker(WorkerTeam team, int index)
        {
            (_team, _index) = (team, index);
            new Thread(Loop) { IsBackground = true, Name = "xsepconv inference" }.Start();
        }

        public void Wake()
        {
            if (Interlocked.Exchange(ref _asleep, 0) == 1) _wake.Set();
        }

        public void Dispose() => _wake.Dispose();

        private void Loop()
        {
            var seen = 0;
            while (true)
            {
                WaitForMore(seen);
                seen = Volatile.Read(ref _team._generation);
                if (_team._stopped) break;
                _team._job!.Run(_index);
                Interlocked.Decrement(ref _team._running);
            }

            Dispose();
        }

        private void WaitForMore(int seen)
        {
            for (var i = 0; i < Spins; i++)
            {
                if (Volatile.Read(ref _team._generation) != seen) return;
                Thread.SpinWait(10);
            }

            while (true)
            {
                Interlocked.Exchange(ref _asleep, 1);
                if (Volatile.Read(ref _team._generation) != seen)
                {
                    // Whoever raised the generation may have seen this thread asleep already: then its signal must be taken.
                    if (Interlocked.Exchange(ref _asleep, 0) == 0) _wake.WaitOne();
                    return;
                }

                _wake.WaitOne();
            }
        }
    }
}

/// <summary>What a team does.</summary>
internal interface ITeamJob
{
    void Run(int thread);
}
