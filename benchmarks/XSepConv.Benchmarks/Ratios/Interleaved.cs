using System.Diagnostics;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>Times contestants in turns, so that whatever slows the machine for a while slows all of them.</summary>
internal static class Interleaved
{
    private const int LeastRounds = 9, MostRounds = 101;
    private static readonly double SampleTicks = 8e-3 * Stopwatch.Frequency;

    /// <summary>Median milliseconds of one step of each, in order.</summary>
    /// <param name="steps">The contestants.</param>
    /// <param name="seconds">About how long to measure each of them.</param>
    public static double[] Medians(IReadOnlyList<Action> steps, double seconds)
    {
        var counts = new int[steps.Count];
        for (var i = 0; i < steps.Count; i++) counts[i] = WarmUp(steps[i]);
        var samples = new List<double>[steps.Count];
        for (var i = 0; i < steps.Count; i++) samples[i] = [];

        var budget = seconds * steps.Count * Stopwatch.Frequency;
        var start = Stopwatch.GetTimestamp();
        for (var round = 0; round < MostRounds && (round < LeastRounds || Stopwatch.GetTimestamp() - start < budget); round++)
        {
            for (var turn = 0; turn < steps.Count; turn++)
            {
                var i = (turn + round) % steps.Count;
                samples[i].Add(Sample(steps[i], counts[i]) * 1e3 / Stopwatch.Frequency);
            }
        }

        return [.. samples.Select(Median)];
    }

    public static double Median(List<double> values)
    {
        values.Sort();
        var middle = values.Count / 2;
        return values.Count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }

    /// <summary>How many steps make a sample long enough for the clock.</summary>
    private static int WarmUp(Action step)
    {
        step();
        step();
        var ticks = Sample(step, 1);
        var count = Math.Max(1, (int)Math.Ceiling(SampleTicks / Math.Max(1, ticks)));
        Sample(step, count);
        ticks = Sample(step, count);
        return Math.Max(1, (int)Math.Ceiling(SampleTicks / Math.Max(1, ticks)));
    }

    /// <summary>Ticks of one step; another before it, untimed, fills the caches with the contestant's own data.</summary>
    private static double Sample(Action step, int count)
    {
        step();
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++) step();
        return (Stopwatch.GetTimestamp() - start) / (double)count;
    }
}
