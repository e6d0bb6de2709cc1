using System.Diagnostics;
using XSepConv.Benchmarks.Ratios;

namespace XSepConv.Benchmarks.Starting;

/// <summary>A program that is started again and again, and how long it took each time.</summary>
internal sealed class Starter(string name, string file, params string[] arguments)
{
    private readonly List<double> _first = [];
    private readonly List<double> _exit = [];

    /// <summary>The classes that it named the last time.</summary>
    public IReadOnlyList<string> Classes { get; private set; } = [];

    /// <summary>Starts it, reads what it says, and waits until it has gone.</summary>
    /// <param name="counts">Whether the time counts.</param>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public void Start(bool counts)
    {
        var (first, classes) = (double.NaN, new List<string>());
        var start = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true })!;
        using var output = process.StandardOutput;
        while (output.ReadLine() is { } line)
        {
            if (line.Split('%') is not [_, var className]) continue;
            if (classes.Count == 0) first = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            classes.Add(className.Trim());
        }

        process.WaitForExit();
        var exit = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        if (process.ExitCode != 0) throw new InvalidOperationException($"{file} ended with {process.ExitCode}.");
        Classes = classes;
        if (!counts) return;
        _first.Add(first);
        _exit.Add(exit);
    }

    /// <summary>What the starts that count took.</summary>
    public StartResult Result => new(name, Median(_first), Median(_exit)!.Value, _exit.Min(), _exit.Max());

    private static double? Median(List<double> times) => Interleaved.Median([.. times]) is var median and not double.NaN ? median : null;
}

/// <summary>Milliseconds from before a process is made.</summary>
/// <param name="Program">Which.</param>
/// <param name="FirstMs">Median until its first class could be read; null where it says nothing.</param>
/// <param name="ExitMs">Median until it had gone.</param>
/// <param name="LeastMs">The fastest until it had gone.</param>
/// <param name="MostMs">The slowest.</param>
internal sealed record StartResult(string Program, double? FirstMs, double ExitMs, double LeastMs, double MostMs);
