using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>A training step of whole networks.</summary>
internal static class NetworkCase
{
    public const string Training = "net-train";

    private const string Memory = "memory", Threads = "threads";

    private static readonly string[] s_ratios =
    [
        $"{TrainingCase.Composed}/{TrainingCase.Fused}", $"{TrainingCase.Twin}/{TrainingCase.Fused}",
        $"{TrainingCase.TwinFused}/{TrainingCase.Fused}", $"{TrainingCase.Twin}/{TrainingCase.TwinFused}",
        $"{TrainingCase.Composed}-{Contestant.Nchw}/{TrainingCase.Fused}", $"{TrainingCase.Twin}-{Contestant.Nchw}/{TrainingCase.Fused}",
    ];

    /// <summary>XSep and its twin, stock and fused: milliseconds and peak memory of a step; then XSep on two threads against one.</summary>
    public static IEnumerable<RatioResult> Train(RatioSettings settings)
    {
        var memory = StepMemory.Measure(settings);
        foreach (var training in TrainingCase.All)
        {
            using var scope = NewDisposeScope();
            var contestants = TrainingContestants.Of(training, training.Data());
            var run = new RatioCase(Training, "xsep", training.Shape, training.Kernel, settings.Threads);
            var result = RatioResult.Measure(run, contestants, 4 * settings.Seconds, s_ratios) with
            {
                Other = contestants.ToDictionary(
                    contestant => $"gradients of {contestant.NameInLayout} from float64 (median)",
                    contestant => contestant.GradientDistance!.Value),
            };
            if (memory.FirstOrDefault(row => (row.Shape, row.Kernel) == (result.Shape, result.Kernel))?.Memory is { } bytes)
            {
                var ratio = bytes[TrainingCase.Composed] / bytes[TrainingCase.Fused];
                result = result with { Memory = bytes, Ratio = new Dictionary<string, double>(result.Ratio) { [Memory] = ratio } };
            }

            yield return result;
        }

        if (Environment.ProcessorCount > 1) yield return TwoThreads(settings);
    }

    private static RatioResult TwoThreads(RatioSettings settings)
    {
        using var scope = NewDisposeScope();
        var training = new TrainingCase(ImagePreset.Cifar, 128, 32);
        var fused = TrainingContestants.Of(training, training.Data()).Single(contestant => contestant.Name == TrainingCase.Fused);
        List<Contestant> contestants = [fused.With(1), fused.With(2)];
        var result = RatioResult.Measure(new(Training, "xsep", training.Shape, null, 2), contestants, 4 * settings.Seconds);
        set_num_threads(settings.Threads);
        return result with
        {
            Ratio = new Dictionary<string, double> { [Threads] = result.Ms[contestants[0].Name] / result.Ms[contestants[1].Name] },
        };
    }
}
