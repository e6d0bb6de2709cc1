namespace XSepConv.Inference;

/// <summary>Work in phases: items of one may be done by any threads in any order, a phase begins when the one before it is done.</summary>
internal interface ITeamJob
{
    int Phases { get; }

    /// <summary>How many items a phase has; it may have none.</summary>
    int Items(int phase);

    void Run(int phase, int first, int end, int thread);
}

/// <summary>Threads that do one job after the other together: they wait awake for a moment, then asleep. The caller is one of them.</summary>
/// <remarks>
/// Items are taken, not dealt out: a thread that the system runs late, or not at all, holds nobody up that has not waited for an item of its own. A job that is
/// finished before a thread has woken up is finished. Nothing is allocated for a job.
/// </remarks>
internal sealed class WorkerTeam
{
    // What a thread takes at a time: the items of a phase in this many parts for each thread.
    private const int PartsPerThread = 2;

    // Waits before a thread sleeps, and before it lets others run while it waits for a phase: about 0.1 ms.
    private const int AwakeWaits = 400;

    private const int Open = 1 << 30;

    private readonly Worker[] _workers;
    private ITeamJob? _job;

    // The phase in the upper half, its next item in the lower.
    private long _claim;
    private int _done;

    // Workers that are in the job, and whether more may come.
    private int _gate;
    private int _generation;
    private volatile bool _stopped;

    public WorkerTeam(int threads)
    {
        Threads = threads;
        _workers = new Worker[threads - 1];
        for (var i = 0; i < _workers.Length; i++) _workers[i] = new Worker(this, i + 1);
    }

    /// <summary>How many there are, the caller included.</summary>
    public int Threads { get; }

    /// <summary>Runs a job and returns when it is done.</summary>
    public void Run(ITeamJob job)
    {
        _job = job;
        Begin(job, 0);
        Volatile.Write(ref _gate, Open);
        Interlocked.Increment(ref _generation);
        foreach (var worker in _workers) worker.Wake();
        Work(job, 0);
        Interlocked.And(ref _gate, ~Open);
        var waited = 0;
        while (Volatile.Read(ref _gate) != 0) Pause(ref waited);
        _job = null;
    }

    /// <summary>Ends the threads; no job may be running.</summary>
    public void Stop()
    {
        _stopped = true;
        Interlocked.Increment(ref _generation);
        foreach (var worker in _workers) worker.Wake();
    }

    private static void Pause(ref int waited)
    {
        if (waited++ < AwakeWaits) Thread.SpinWait(4);
        else Thread.Yield();
    }

    private void Begin(ITeamJob job, int phase)
    {
        while (phase < job.Phases && job.Items(phase) == 0) phase++;
        _done = 0;
        Volatile.Write(ref _claim, (long)phase << 32);
    }

    private void Work(ITeamJob job, int thread)
    {
        var waited = 0;
        while (true)
        {
            var claim = Volatile.Read(ref _claim);
            var (phase, first) = ((int)(claim >> 32), (int)claim);
            if (phase >= job.Phases) return;
            var items = job.Items(phase);
            if (first >= items)
            {
                Pause(ref waited);
                continue;
            }

            var end = Math.Min(items, first + Math.Max(1, items / (Threads * PartsPerThread)));
            if (Interlocked.CompareExchange(ref _claim, ((long)phase << 32) | (uint)end, claim) != claim) continue;
            job.Run(phase, first, end, thread);
            waited = 0;
            if (Interlocked.Add(ref _done, end - first) == items) Begin(job, phase + 1);
        }
    }

    private void Join(int thread)
    {
        var gate = Volatile.Read(ref _gate);
        while ((gate & Open) != 0)
        {
            var seen = Interlocked.CompareExchange(ref _gate, gate + 1, gate);
            if (seen != gate)
            {
                gate = seen;
                continue;
            }

            Work(_job!, thread);
            Interlocked.Decrement(ref _gate);
            return;
        }
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
            while (!_team._stopped)
            {
                WaitForMore(seen);
                seen = Volatile.Read(ref _team._generation);
                _team.Join(_index);
            }

            Dispose();
        }

        private void WaitForMore(int seen)
        {
            for (var i = 0; i < AwakeWaits; i++)
            {
                if (Volatile.Read(ref _team._generation) != seen) return;
                Thread.SpinWait(4);
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
