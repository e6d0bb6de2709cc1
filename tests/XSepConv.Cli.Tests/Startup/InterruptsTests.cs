using System.Runtime.InteropServices;
using XSepConv.Cli.Startup;

namespace XSepConv.Cli.Tests;

public sealed class InterruptsTests
{
    [Fact]
    public void A_signal_that_arrives_at_the_end_is_no_error()
    {
        using var interrupts = new Interrupts();
        interrupts.Dispose();
        var late = new PosixSignalContext(PosixSignal.SIGTERM);
        interrupts.Handle(late);
        Assert.Equal((true, 143), (late.Cancel, interrupts.ExitCode));
    }
}
