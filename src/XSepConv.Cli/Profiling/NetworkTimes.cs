using System.Diagnostics;
using XSepConv.Training;

namespace XSepConv.Cli.Profiling;

/// <summary>Where a compiled network's time goes.</summary>
/// <param name="Steps">Each step on one thread, the median over the runs.</param>
/// <param name="Run">A whole run on all threads, the median.</param>
internal sealed record NetworkTimes(IReadOnlyList<StepTime> Steps, TimeSpan Run, int Runs)
{
    private const int LeastRuns = 11, MostRuns = 501;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public long Macs => Steps.Sum(step => step.Macs);

    /// <summary>All steps one after the other.</summary>
    public TimeSpan Sum => Steps.Aggregate(TimeSpan.Zero, (sum, step) => sum + step.Time);

    /// <summary>Runs full batches of random pixels, about a second for the steps and one for whole runs.</summary>
    public static NetworkTimes Measure(NetworkSession session)
    {
        var random = new Random(1);
        var pixels = new float[session.MaxBatch * session.ImageLength];
        foreach (ref var pixel in pixels.AsSpan()) pixel = (2 * random.NextSingle()) - 1;
        var logits = new float[session.MaxBatch * session.Model.Spec.Outputs];

        // The first run meets cold caches and clocks.
        Time(session, pixels, logits);
        var once = Time(session, pixels, logits);
        var runs = (int)Math.Clamp(Patience / once, LeastRuns, MostRuns) | 1;
        var times = new TimeSpan[runs];
        for (var run = 0; run < runs; run++) times[run] = Time(session, pixels, logits);
        return new(session.Measure(pixels, runs), Median.Middle(times), runs);
    }

    private static TimeSpan Time(NetworkSession session, float[] pixels, float[] logits)
    {
        var start = Stopwatch.GetTimestamp();
        session.Run(pixels, logits);
        return Stopwatch.GetElapsedTime(start);
    }
}
