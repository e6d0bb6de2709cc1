using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

public sealed class WorkerTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_item_is_done_once_and_after_the_phase_before(int threads)
    {
        var team = new WorkerTeam(threads);
        for (var run = 0; run < 300; run++)
        {
            // Phases of none, one and many items.
            var job = new Counting([run % 3, 1, 0, 17, 64, 2, run % 5]);
            team.Run(job);
            Assert.Equal(job.Counts, job.Done);
            Assert.Equal(0, job.OutOfOrder);
            if (run % 100 == 50) Thread.Sleep(5);
        }

        team.Stop();
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(5, 5)]
    [InlineData(5, 1)]
    [InlineData(3, 2)]
    public void So_it_is_by_threads_that_are_lent_all_of_them_or_fewer(int threads, int lent)
    {
        var team = new WorkerTeam(threads, new Lender(lent));
        for (var run = 0; run < 100; run++)
        {
            var job = new Counting([run % 3, 1, 0, 17, 64, 2, run % 5]);
            team.Run(job);
            Assert.Equal(job.Counts, job.Done);
            Assert.Equal(0, job.OutOfOrder);
        }
    }

    [Fact]
    public void Threads_end_when_the_team_is_stopped_asleep_or_awake()
    {
        for (var i = 0; i < 20; i++)
        {
            var team = new WorkerTeam(3);
            var job = new Counting([50]);
            team.Run(job);
            if (i % 2 == 0) Thread.Sleep(3);
            team.Stop();
        }

        Assert.True(SpinWait.SpinUntil(() => !HasWorkers(), TimeSpan.FromSeconds(20)), "there still are threads");

        static bool HasWorkers() => OperatingSystem.IsLinux() && Directory.GetDirectories("/proc/self/task").Any(task =>
        {
            try
            {
                return File.ReadAllText(Path.Combine(task, "comm")).StartsWith("xsepconv", StringComparison.Ordinal);
            }
            catch (IOException)
            {
                return false;
            }
        });
    }

    private sealed class Lender(int threads) : IKernelTeam
    {
        public void Run(Action job, int asked)
        {
            var others = Enumerable.Range(1, threads - 1).Select(_ => new Thread(() => job())).ToList();
            others.ForEach(other => other.Start());
            job();
            others.ForEach(other => other.Join());
        }
    }

    private sealed class Counting(int[] counts) : ITeamJob
    {
        private readonly int[] _done = new int[counts.Length];
        private int _outOfOrder;

        public int[] Counts => counts;

        public int[] Done => _done;

        public int OutOfOrder => _outOfOrder;

        public int Phases => counts.Length;

        public int Items(int phase) => counts[phase];

        public void Run(int phase, int first, int end, int thread)
        {
            for (var before = 0; before < phase; before++)
            {
                if (Volatile.Read(ref _done[before]) != counts[before]) Interlocked.Increment(ref _outOfOrder);
            }

            if (phase == 3) Thread.SpinWait(50);
            Interlocked.Add(ref _done[phase], end - first);
        }
    }
}
