using System.Diagnostics;

namespace XSepConv.Cli.Tests;

/// <summary>
/// The collector's youngest generation is bounded in the built program, where it would be as large as the processor's last cache. Seen with
/// the program's own configuration, in a process that is told of a cache of a gigabyte.
/// </summary>
public sealed class CollectorBudgetTests
{
    private const string Variable = "XSEPCONV_TEST_COLLECTOR";

    private const int Budget = 32 << 20, Garbage = 512 << 20;

    [Fact]
    public async Task Garbage_is_collected_before_it_is_much_more_than_the_budget()
    {
        var start = new ProcessStartInfo("dotnet",
        [
            "exec", "--runtimeconfig", Path.Combine(AppContext.BaseDirectory, "xsepconv.runtimeconfig.json"),
            typeof(CollectorBudgetTests).Assembly.Location,
        ]);
        (start.Environment[Variable], start.Environment["DOTNET_GCgen0size"]) = ("1", "0x40000000");
        await OtherProcess.PassesAsync((typeof(CollectorBudgetTests), nameof(What_the_other_process_does)), start);
    }

    [Fact]
    public void What_the_other_process_does()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable(Variable) is null, "This is what the other test starts.");
        const int Block = 64 << 10;
        var before = GC.CollectionCount(0);
        for (var i = 0; i < Garbage / Block; i++) GC.KeepAlive(new byte[Block]);

        // Half as often as the budget is used up would do.
        Assert.InRange(GC.CollectionCount(0) - before, Garbage / Budget / 2, int.MaxValue);
    }
}
