using System.Globalization;

namespace XSepConv.Cli.Startup;

/// <summary>
/// How many cores nobody else is using. Beside another busy process libtorch's threads wait for the one of them that has no core.
/// </summary>
internal static class IdleCores
{
    private const string Counters = "/proc/stat";
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    // A core that others use for less than a quarter of the time is worth a thread.
    private const double Spare = 0.25;

    /// <summary>Watches the machine for a quarter of a second.</summary>
    /// <returns>From 1 to the cores of this process; all of them where the system does not say.</returns>
    public static int Count()
    {
        if (!OperatingSystem.IsLinux() || Environment.ProcessorCount == 1) return Environment.ProcessorCount;
        try
        {
            var before = File.ReadAllLines(Counters);
            Thread.Sleep(Look);
            return Between(before, File.ReadAllLines(Counters), Environment.ProcessorCount);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Environment.ProcessorCount;
        }
    }

    /// <summary>
    /// The same from two readings of <c>/proc/stat</c>, whose lines <c>cpuN</c> count a core's time by what it was spent on.
    /// </summary>
    public static int Between(IReadOnlyList<string> before, IReadOnlyList<string> after, int cores)
    {
        double idle = 0;
        var first = before.Where(IsCore).ToDictionary(line => line.Split(' ')[0]);
        foreach (var line in after.Where(IsCore))
        {
            if (!first.TryGetValue(line.Split(' ')[0], out var earlier)) continue;
            var (all, unused) = Difference(earlier, line);
            idle += all == 0 ? 1 : (double)unused / all;
        }

        return Math.Clamp((int)(idle + Spare), 1, cores);
    }

    private static bool IsCore(string line) =>
        line.StartsWith("cpu", StringComparison.Ordinal) && line.Length > 3 && char.IsAsciiDigit(line[3]);

    private static (long All, long Unused) Difference(string before, string after)
    {
        var spent = Times(after).Zip(Times(before), (later, earlier) => later - earlier).ToArray();

        // user, nice, system, idle, iowait, …; a core that waits for a disk is free.
        return (spent.Sum(), spent.Skip(3).Take(2).Sum());
    }

    // The first eight: guest time, the last two, is in user and nice already.
    private static IEnumerable<long> Times(string line) =>
        line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8)
            .Select(text => long.Parse(text, CultureInfo.InvariantCulture));
}
