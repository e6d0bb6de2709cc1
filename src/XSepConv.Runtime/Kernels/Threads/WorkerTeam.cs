namespace XSepConv.Kernels;

/// <summary>Work in phases: items of one may be done by any threads in any order, a phase begins when the one before it is done.</summary>
internal interface ITeamJob
{
    int Phases { get; }

    /// <summary>How many items a phase has; it may have none.</summary>
    int Items(int phase);

    void Run(int phase, int first, int end, int thread);
}

/// <summary>
/// Threads that do one job after the other together: they wait awake for a moment, then asleep. The caller is one of them.
/// </summary>
/// <remarks>
/// Every thread begins with a share of its own, the same one in each phase, so that it mostly reads what it has written; then it takes from
/// the others'. A thread that the system runs late, or not at all, holds nobody up, and a job that is finished before a thread has woken up
/// is finished. Nothing is allocated for a job, unless the threads are lent.
/// </remarks>
internal sealed class WorkerTeam
{
    // A thread takes its share in this many parts, so that others can help with the last one.
    private const int PartsPerShare = 2;

    // Claims of different threads do not lie on one cache line.
    private const int Apart = 16;

    // Waits before a thread sleeps, and before it lets others run while it waits for a phase: some 0.2 ms.
    private const int AwakeWaits = 1_000;

    private const int Open = 1 << 30;

    private readonly Worker?[] _workers;
    private readonly IKernelTeam? _lent;
    private ITeamJob? _job;

    // For each share the phase in the upper half, its next item in the lower.
    private readonly long[] _claims;
    private int _phase;
    private int _done;

    // Workers that are in the job, and whether more may come.
    private int _gate;
    private int _generation;
    private int _entered;
    private volatile bool _stopped;

    /// <param name="threads">How many there are, the caller included.</param>
    /// <param name="lent">Whose threads join the caller for each job; null for threads of its own.</param>
    public WorkerTeam(int threads, IKernelTeam? lent = null)
    {
        (Threads, _lent) = (threads, lent);
        _claims = new long[threads * Apart];
        _workers = new Worker[lent is null ? threads - 1 : 0];
        try
        {
            for (var i = 0; i < _workers.Length; i++) _workers[i] = new Worker(this, i + 1);
        }
        catch
        {
            // The system starts no more threads: those that wait already would wait for ever.
            Stop();
            throw;
        }
    }

    /// <summary>How many there are, the caller included.</summary>
    public int Threads { get; }

    /// <summary>Runs a job and returns when it is done.</summary>
    public void Run(ITeamJob job)
    {
        _job = job;
        Begin(job, 0);
        if (_lent is not null)
        {
            RunLent(_lent, job);
            return;
        }

        Volatile.Write(ref _gate, Open);
        Interlocked.Increment(ref _generation);
        foreach (var worker in _workers) worker?.Wake();
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
        foreach (var worker in _workers) worker?.Wake();
    }

    // A lent team returns when all of its threads have left; one that comes late finds the last phase over.
    private void RunLent(IKernelTeam lent, ITeamJob job)
    {
        _entered = 0;
        lent.Run(
            () =>
            {
                var thread = Interlocked.Increment(ref _entered) - 1;
                if (thread < Threads) Work(job, thread);
            },
            Threads);
        _job = null;
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
        for (var share = 0; share < Threads && phase < job.Phases; share++)
        {
            Volatile.Write(ref _claims[share * Apart], ((long)phase << 32) | (uint)Start(job.Items(phase), share));
        }

        Volatile.Write(ref _phase, phase);
    }

    private int Start(int items, int share) => (int)((long)items * share / Threads);

    private void Work(ITeamJob job, int thread)
    {
        var waited = 0;
        while (true)
        {
            var phase = Volatile.Read(ref _phase);
            if (phase >= job.Phases) return;
            var items = job.Items(phase);
            var done = 0;
            for (var i = 0; i < Threads; i++) done += WorkOn((thread + i) % Threads, job, phase, items, thread);
            if (done == 0)
            {
                Pause(ref waited);
                continue;
            }

            waited = 0;
            if (Interlocked.Add(ref _done, done) == items) Begin(job, phase + 1);
        }
    }

    /// <summary>Does what is left of a share; returns how many items that were.</summary>
    private int WorkOn(int share, ITeamJob job, int phase, int items, int thread)
    {
        var (start, end) = (Start(items, share), Start(items, share + 1));
        var part = Math.Max(1, (end - start + PartsPerShare - 1) / PartsPerShare);
        ref var claims = ref _claims[share * Apart];
        var done = 0;
        while (true)
        {
            var claim = Volatile.Read(ref claims);
            var first = (int)claim;
            if ((int)(claim >> 32) != phase || first >= end) return done;
            var next = Math.Min(end, first + part);
            if (Interlocked.CompareExchange(ref claims, ((long)phase << 32) | (uint)next, claim) != claim) continue;
            job.Run(phase, first, next, thread);
            done += next - first;
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
