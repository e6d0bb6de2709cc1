using System.Globalization;

namespace XSepConv.Training;

/// <summary>What the machine's cores spend their time on, of all programs together: two readings of <c>/proc/stat</c>.</summary>
internal static class ProcessorTimes
{
    private const string Counters = "/proc/stat";

    /// <summary>A reading; null where the system does not say.</summary>
    public static IReadOnlyList<string>? Read()
    {
        if (!OperatingSystem.IsLinux()) return null;
        try
        {
            return File.ReadAllLines(Counters);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>How many cores there are in a reading.</summary>
    public static int Cores(IReadOnlyList<string> reading) => reading.Count(IsCore);

    /// <summary>
    /// How many cores were idle between two readings, on average: lines <c>cpuN</c> count a core's time by what it was spent on.
    /// </summary>
    public static double Idle(IReadOnlyList<string> before, IReadOnlyList<string> after)
    {
        double idle = 0;
        var first = before.Where(IsCore).ToDictionary(line => line.Split(' ')[0]);
        foreach (var line in after.Where(IsCore))
        {
            if (!first.TryGetValue(line.Split(' ')[0], out var earlier)) continue;
            var (all, unused) = Difference(earlier, line);
            idle += all == 0 ? 1 : (double)unused / all;
        }

        return idle;
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
