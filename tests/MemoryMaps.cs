using System.Globalization;

namespace XSepConv.Tests;

/// <summary>What Linux says of a process's memory.</summary>
internal static class MemoryMaps
{
    /// <summary>Whether the system may give large pages, and tells of which memory.</summary>
    public static bool KnowsLargePages =>
        OperatingSystem.IsLinux() && File.Exists("/proc/self/smaps") && File.Exists("/sys/kernel/mm/transparent_hugepage/enabled");

    /// <summary>Whether memory that nobody touches costs nothing, however much it is: Linux, unless it is set to promise no more than it has.</summary>
    public static bool UntouchedIsFree =>
        File.Exists("/proc/sys/vm/overcommit_memory") && File.ReadAllText("/proc/sys/vm/overcommit_memory").Trim() != "2";

    /// <summary>Whether large pages were asked for the memory at an address of this process.</summary>
    public static bool WantsLargePages(nuint address) => Ranges("self").Any(range => range.First <= address && address < range.End);

    /// <summary>Bytes for which a process has asked for large pages.</summary>
    public static long BytesOfLargePages(int process) => Ranges($"{process}").Sum(range => (long)(range.End - range.First));

    // Ranges of the flag hg: their flags come some lines after their addresses.
    private static IEnumerable<(nuint First, nuint End)> Ranges(string process)
    {
        (nuint First, nuint End) range = default;
        foreach (var line in File.ReadLines($"/proc/{process}/smaps"))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[0].Split('-') is [var first, var end]) range = (Address(first), Address(end));
            else if (words[0] == "VmFlags:" && words.Contains("hg")) yield return range;
        }
    }

    private static nuint Address(string hexadecimal) =>
        nuint.Parse(hexadecimal, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
