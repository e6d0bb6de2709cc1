using System.Diagnostics;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>Times contestants in turns, so that whatever slows the machine for a while slows all of them.</summary>
internal static class Interleaved
{
    private const int LeastSamples = 9, MostSamples = 101;

    // A step of seconds has no time for more, up to so many times the seconds asked for.
    private const int LeastLongSamples = 5;
    private const double MostLongTime = 10;

    private static readonly double SampleTicks = 8e-3 * Stopwatch.Frequency, LongTicks = 0.2 * Stopwatch.Frequency;

    /// <summary>Median milliseconds of one step of each, in order.</summary>
    /// <param name="steps">The contestants, each of which has run before.</param>
    /// <param name="seconds">About how long to measure each of them.</param>
    /// <param name="finish">Waits, at the end of every sample, for what the steps left in a queue; null where they leave nothing.</param>
    public static double[] Medians(IReadOnlyList<Action> steps, double seconds, Action? finish = null)
    {
        var clock = new Clock(finish);
        var plans = steps.Select(step => Plan.Of(clock, step, seconds)).ToArray();
        var samples = plans.Select(plan => plan.First is { } ticks ? [ticks * 1e3 / Stopwatch.Frequency] : new List<double>()).ToArray();
        var rounds = plans.Max(plan => plan.Samples);
        for (var round = 0; round < rounds; round++)
        {
            for (var turn = 0; turn < steps.Count; turn++)
            {
                var i = (turn + round) % steps.Count;
                if (!plans[i].TakesPart(round, rounds)) continue;
                samples[i].Add(plans[i].Sample(clock, steps[i]) * 1e3 / Stopwatch.Frequency);
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

    private readonly record struct Clock(Action? Finish)
    {
        public long Ticks(Action step, int count)
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < count; i++) step();
            Finish?.Invoke();
            return Stopwatch.GetTimestamp() - start;
        }
    }

    /// <summary>How one contestant is measured.</summary>
    /// <param name="Samples">How often; evenly over the rounds.</param>
    /// <param name="Steps">Steps that make a sample long enough for the clock.</param>
    /// <param name="First">Ticks of a step so long that it does not matter what the caches held before it: a sample already.</param>
    private readonly record struct Plan(int Samples, int Steps, long? First)
    {
        public static Plan Of(Clock clock, Action step, double seconds)
        {
            var budget = seconds * Stopwatch.Frequency;
            var first = clock.Ticks(step, 1);
            if (first >= LongTicks)
            {
                return new((int)Math.Clamp(MostLongTime * budget / first, LeastLongSamples, LeastSamples) - 1, 1, first);
            }

            clock.Ticks(step, 1);
            var steps = StepsOfSample(clock.Ticks(step, 1));
            clock.Ticks(step, steps);
            steps = StepsOfSample(clock.Ticks(step, steps) / (double)steps);
            var sample = Stopwatch.GetTimestamp();
            clock.Ticks(step, steps + 1);
            return new((int)Math.Clamp(budget / (Stopwatch.GetTimestamp() - sample), LeastSamples, MostSamples), steps, null);
        }

        public bool TakesPart(int round, int rounds) => (long)(round + 1) * Samples / rounds > (long)round * Samples / rounds;

        /// <summary>Ticks of one step; another before it, untimed, fills the caches with the contestant's own data.</summary>
        public double Sample(Clock clock, Action step)
        {
            if (First is null) clock.Ticks(step, 1);
            return clock.Ticks(step, Steps) / (double)Steps;
        }

        private static int StepsOfSample(double ticks) => Math.Max(1, (int)Math.Ceiling(SampleTicks / Math.Max(1, ticks)));
    }
}
