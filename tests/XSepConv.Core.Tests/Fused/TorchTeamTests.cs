using XSepConv.Kernels;

namespace XSepConv.Core.Tests.Fused;

public class TorchTeamTests
{
    [Fact]
    public void Kernels_run_on_torchs_threads_on_Linux()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "libtorch has libgomp's threads on Linux.");
        Assert.True(TorchTeam.Join() > 0);
        Assert.IsType<TorchTeam>(KernelThreads.Team);
    }

    [Fact]
    public void A_library_is_found_where_its_path_has_spaces() => Assert.Equal(
        ["/home/me/my apps/libtorch_cpu.so", "/usr/lib/libgomp.so.1"],
        TorchTeam.Mapped(
        [
            "7f0000000000-7f0000001000 r-xp 00000000 08:01 1234                       /home/me/my apps/libtorch_cpu.so",
            "7f0000001000-7f0000002000 rw-p 00001000 08:01 1234                       /home/me/my apps/libtorch_cpu.so",
            "7f0000002000-7f0000003000 rw-p 00000000 00:00 0                          [heap]",
            "7f0000003000-7f0000004000 rw-p 00000000 00:00 0 ",
            "7f0000004000-7f0000005000 r-xp 00000000 08:01 99                         /usr/lib/libgomp.so.1",
        ]));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void A_job_runs_on_so_many_threads_at_once(int threads)
    {
        Assert.True(TorchTeam.Join() > 0);
        using var met = new Barrier(threads);
        var ids = new System.Collections.Concurrent.ConcurrentBag<int>();
        KernelThreads.Team.Run(
            () =>
            {
                ids.Add(Environment.CurrentManagedThreadId);
                Assert.True(met.SignalAndWait(TimeSpan.FromSeconds(20)));
            }, threads);

        Assert.Equal(threads, ids.Distinct().Count());
        Assert.Contains(Environment.CurrentManagedThreadId, ids);
    }

    [Fact]
    public void A_job_that_fails_fails_where_it_was_started()
    {
        Assert.True(TorchTeam.Join() > 0);
        var failure = Assert.ThrowsAny<Exception>(() => KernelThreads.Team.Run(() => throw new InvalidOperationException("no memory"), 2));
        Assert.Equal("no memory", failure.GetBaseException().Message);
    }
}
