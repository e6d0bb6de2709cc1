using XSepConv.Training;

namespace XSepConv.Cli.Startup;

/// <summary>
/// How many cores nobody else is using. Beside another busy process libtorch's threads wait for the one of them that has no core.
/// </summary>
internal static class IdleCores
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    // A core that others use for less than a quarter of the time is worth a thread.
    private const double Spare = 0.25;

    /// <summary>Watches the machine for a quarter of a second.</summary>
    /// <returns>From 1 to the cores of this process; all of them where the system does not say.</returns>
    public static int Count()
    {
        if (Environment.ProcessorCount == 1 || ProcessorTimes.Read() is not { } before) return Environment.ProcessorCount;
        Thread.Sleep(Look);
        return ProcessorTimes.Read() is { } after ? Between(before, after, Environment.ProcessorCount) : Environment.ProcessorCount;
    }

    /// <summary>The same from two readings of <see cref="ProcessorTimes"/>.</summary>
    public static int Between(IReadOnlyList<string> before, IReadOnlyList<string> after, int cores) =>
        Math.Clamp((int)(ProcessorTimes.Idle(before, after) + Spare), 1, cores);
}
