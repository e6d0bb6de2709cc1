using XSepConv.Cli.Startup;

namespace XSepConv.Cli.Tests;

/// <summary>
/// How many cores are idle, from two readings of /proc/stat worked by hand: columns are user, nice, system, idle, iowait, irq, softirq,
/// steal, guest, guest nice.
/// </summary>
public sealed class IdleCoresTests
{
    private static readonly string[] Before =
    [
        "cpu  300 0 60 5000 20 0 0 0 0 0",
        "cpu0 100 0 20 1000 10 0 0 0 0 0",
        "cpu1 200 0 40 4000 10 0 0 0 0 0",
        "intr 123 0 0",
        "cpufreq is no core",
    ];

    [Theory]
    [InlineData(2, "cpu0 100 0 20 1025 10 0 0 0 0 0", "cpu1 200 0 40 4025 10 0 0 0 0 0")] // nobody
    [InlineData(1, "cpu0 125 0 20 1000 10 0 0 0 0 0", "cpu1 200 0 40 4025 10 0 0 0 0 0")] // one busy process
    [InlineData(1, "cpu0 113 0 20 1012 10 0 0 0 0 0", "cpu1 212 0 40 4013 10 0 0 0 0 0")] // the same, moving from core to core
    [InlineData(1, "cpu0 125 0 20 1000 10 0 0 0 0 0", "cpu1 225 0 40 4000 10 0 0 0 0 0")] // two: still one thread
    [InlineData(1, "cpu0 100 20 25 1000 10 0 0 0 0 0", "cpu1 200 0 40 4025 10 0 0 0 0 0")] // polite or in the kernel is busy too
    [InlineData(1, "cpu0 100 0 20 1000 10 0 0 25 0 0", "cpu1 200 0 40 4025 10 0 0 0 0 0")] // stolen by the host
    [InlineData(2, "cpu0 103 0 20 1022 10 0 0 0 0 0", "cpu1 202 0 40 4023 10 0 0 0 0 0")] // a fifth of one core: 1.8 idle
    [InlineData(2, "cpu0 100 0 20 1000 35 0 0 0 0 0", "cpu1 200 0 40 4025 10 0 0 0 0 0")] // waiting for a disk is idle
    [InlineData(1, "cpu0 125 0 20 1000 10 0 0 0 25 0", "cpu1 200 0 40 4025 10 0 0 0 0 0")] // a guest's time is counted once
    [InlineData(
        1, "cpu0 125 0 20 1000 10 0 0 0 0 0", "cpu1 200 0 40 4025 10 0 0 0 0 0", "cpu2 9 0 0 9 0 0 0 0 0 0")] // a core that has just come
    [InlineData(
        2, "cpu0 100 0 20 1000 10 0 0 0 0 0", "cpu1 200 0 40 4000 10 0 0 0 0 0")] // clocks that stand still say nothing against a core
    public void Idle_cores_are_counted(int expected, params string[] after) =>
        Assert.Equal(expected, IdleCores.Between(Before, ["cpu  1 2 3 4 5 6 7 8 9 10", .. after, "intr 124 0 0"], cores: 2));

    [Fact]
    public void Never_more_than_this_process_has() =>
        Assert.Equal(1, IdleCores.Between(Before, ["cpu0 100 0 20 1025 10 0 0 0 0 0", "cpu1 200 0 40 4025 10 0 0 0 0 0"], cores: 1));
}
