namespace XSepConv.Training.Tests.Comparison;

/// <summary>Runs that nobody trains, side by side.</summary>
public sealed class RunQueueTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly List<ComparisonProgress> _said = [];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    [InlineData(100, 6)]
    public void So_many_are_at_work_at_a_time_and_each_once(int asked, int expected)
    {
        using var together = new Barrier(expected);
        var (atWork, most, started) = (0, 0, new List<string>());
        Assert.True(Run(asked, (folder, run, progress, token) =>
        {
            lock (started)
            {
                started.Add(run.Id);
                most = Math.Max(most, ++atWork);
            }

            // None gets on before as many as asked for are there.
            Assert.True(together.SignalAndWait(Patience, token));
            progress.Report(new(1, 2, 5, 10, 1.5, 100, 0.01, "train", null));
            lock (started) atWork--;
            return Done(folder, run);
        }, TestContext.Current.CancellationToken));
        Assert.Equal(expected, most);
        Assert.Equal(HandMade.Manifest().Runs.Select(run => run.Id).Order(), started.Order());

        // Told one at a time: what is done only grows, half an epoch of two is a quarter of a run but for its test.
        Assert.Equal(Enumerable.Range(1, 6), _said.Where(value => value.Finished is not null).Select(value => value.RunsDone));
        Assert.Equal(_said.Select(value => value.Total), _said.Select(value => value.Total).Order());
        Assert.All(_said.Where(value => value.Step is not null), value => Assert.Equal(0.25 * 0.97, value.Share, 1e-12));
        Assert.Equal(1, _said[^1].Total);
    }

    [Fact]
    public void When_one_fails_those_beside_it_are_stopped_and_none_is_begun()
    {
        var (started, stopped) = (0, 0);
        var failure = Assert.Throws<IOException>(() => Run(3, (_, run, _, cancel) =>
        {
            Interlocked.Increment(ref started);
            if (run is { Seed: 0, Network.Id: "depthwise" })
            {
                Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref started) == 3, Patience));
                throw new IOException("the disk is full");
            }

            Assert.True(cancel.WaitHandle.WaitOne(Patience));
            Interlocked.Increment(ref stopped);
            return false;
        }, TestContext.Current.CancellationToken));
        Assert.Equal("the disk is full", failure.Message);
        Assert.Equal((3, 2), (started, stopped));
    }

    [Fact]
    public void Cancelled_all_are_stopped_and_a_restart_with_another_number_does_what_is_left()
    {
        using var cancel = new CancellationTokenSource();
        var finished = 0;
        Assert.False(Run(2, (folder, run, _, token) =>
        {
            if (Interlocked.Increment(ref finished) <= 2) return Done(folder, run);
            cancel.Cancel();

            // Where two runs cancel at once, one's Cancel returns while the other's still does.
            Assert.True(token.WaitHandle.WaitOne(Patience));
            return false;
        }, cancel.Token));

        var again = 0;
        Assert.True(Run(5, (folder, run, _, _) =>
        {
            Interlocked.Increment(ref again);
            return Done(folder, run);
        }, TestContext.Current.CancellationToken));
        Assert.Equal(4, again);
    }

    [Fact]
    public void The_folder_remembers_the_most_that_were_at_work_and_takes_any_number_to_go_on()
    {
        var folder = new ComparisonFolder(_folder.Path);
        Assert.Null(folder.Begin(HandMade.Manifest()).AtATime);
        Assert.Equal(4, folder.Begin(HandMade.Manifest() with { AtATime = 4 }).AtATime);
        Assert.Equal(4, folder.Begin(HandMade.Manifest() with { AtATime = 2 }).AtATime);
        Assert.Equal("runs of 1 thread, up to 4 at a time", ReportText.Runs(folder.Manifest()));
        Assert.Equal("runs of 1 thread, one at a time", ReportText.Runs(HandMade.Manifest()));
    }

    private static bool Done(ComparisonFolder folder, ComparedRun run)
    {
        Directory.CreateDirectory(folder.RunPath(run));
        folder.Write(HandMade.Manifest(), run, HandMade.Outcome(run));
        return true;
    }

    private bool Run(int atATime, Func<ComparisonFolder, ComparedRun, IProgress<TrainingProgress>, CancellationToken, bool> execute,
        CancellationToken cancel)
    {
        var folder = new ComparisonFolder(_folder.Path);
        var queue = new RunQueue(
            folder, HandMade.Manifest(), (run, progress, token) => execute(folder, run, progress, token), new Listener(_said));
        return queue.Run(atATime, cancel);
    }

    // No lock: the queue's.
    private sealed class Listener(List<ComparisonProgress> said) : IProgress<ComparisonProgress>
    {
        public void Report(ComparisonProgress value) => said.Add(value);
    }
}
