using System.Diagnostics;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>How long a trained network takes for one image, in milliseconds: medians.</summary>
/// <param name="Libtorch">The module in evaluation mode, each layer an operator of libtorch.</param>
/// <param name="Module">The module as it is, in evaluation mode: compiled, once it has looked for changed weights.</param>
/// <param name="Runtime">Compiled, without Torch.</param>
internal sealed record Latency(double Libtorch, double Module, double Runtime);

/// <summary>Measures all networks in turns, on one thread, so that whatever slows the machine for a while slows all of them.</summary>
internal static class Latencies
{
    private const int LeastRounds = 15, MostRounds = 101;
    private const double SecondsEach = 0.5, SampleSeconds = 4e-3;

    /// <summary>One latency for each network, in order.</summary>
    /// <param name="manifest">The networks and the size of an image.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IReadOnlyList<Latency> Measure(
        ComparisonManifest manifest, Func<ComparedNetwork, string> weights, CancellationToken cancel = default)
    {
        var threads = get_num_threads();
        set_num_threads(1);
        var contestants = new List<LatencyContestants>();
        try
        {
            foreach (var network in manifest.Networks) contestants.Add(new(weights(network), manifest.Data));
            Action[] works = [.. contestants.SelectMany(contestant => contestant.Works)];
            var medians = Medians(works, cancel);
            return [.. medians.Chunk(LatencyContestants.WorkCount).Select(times => new Latency(times[0], times[1], times[2]))];
        }
        finally
        {
            foreach (var contestant in contestants) contestant.Dispose();
            set_num_threads(threads);
        }
    }

    /// <summary>The median milliseconds of each.</summary>
    internal static double[] Medians(Action[] works, CancellationToken cancel)
    {
        var counts = works.Select(work => RunsOfASample(work, cancel)).ToArray();
        var samples = works.Select(_ => new List<double>()).ToArray();
        var watch = Stopwatch.StartNew();
        for (var round = 0; round < MostRounds && (round < LeastRounds || watch.Elapsed.TotalSeconds < SecondsEach * works.Length); round++)
        {
            for (var turn = 0; turn < works.Length; turn++)
            {
                var i = (turn + round) % works.Length;
                samples[i].Add(Sample(works[i], counts[i]));
                cancel.ThrowIfCancellationRequested();
            }
        }

        return [.. samples.Select(values => 1e3 * Median.Of(values))];
    }

    /// <summary>How many runs make a sample long enough for the clock.</summary>
    private static int RunsOfASample(Action work, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        for (var i = 0; i < 5; i++) work();
        return Math.Max(1, (int)Math.Ceiling(SampleSeconds / Math.Max(1e-9, Sample(work, 3))));
    }

    /// <summary>Seconds of one run; another before it, untimed, fills the caches with the contestant's own data.</summary>
    private static double Sample(Action work, int count)
    {
        work();
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++) work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / count;
    }
}
