using System.Diagnostics;
using System.Globalization;

namespace XSepConv.Training;

/// <summary>How much memory this process has, and has had: what the system counts as resident, not what was asked for.</summary>
internal static class ProcessMemory
{
    /// <summary>The most it ever had, in bytes; null where the system does not say.</summary>
    public static long? Peak() =>
        OperatingSystem.IsLinux() ? OfStatus("VmHWM:")
            : OperatingSystem.IsWindows() ? OfProcess(process => process.PeakWorkingSet64) : null;

    /// <summary>What it has, in bytes.</summary>
    public static long? Now() => OperatingSystem.IsLinux() ? OfStatus("VmRSS:") : OfProcess(process => process.WorkingSet64);

    private static long? OfProcess(Func<Process, long> value)
    {
        using var process = Process.GetCurrentProcess();
        return value(process) is > 0 and var bytes ? bytes : null;
    }

    // A line is "VmHWM:	  123456 kB".
    private static long? OfStatus(string name)
    {
        const string Status = "/proc/self/status";
        if (!File.Exists(Status)) return null;
        var line = File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        var words = line?[name.Length..].Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        return words is [var number, "kB"] && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var kilobytes)
            ? 1024 * kilobytes
            : null;
    }
}
