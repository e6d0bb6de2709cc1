namespace XSepConv.Benchmarks.Ratios;

/// <summary>The XSepConv stage against what it replaces: training (forward and backward through autograd) and inference.</summary>
internal static class StageWorks
{
    public static readonly (int Channels, int Size)[] Maps = [(240, 14), (144, 14), (576, 7), (72, 28)];

    public static IEnumerable<RatioResult> Train(RatioSettings settings)
    {
        foreach (var batch in new[] { 32, 128 })
        {
            foreach (var result in Run("stage-train", batch, [3, 5, 7, 9], true, settings)) yield return result;
        }
    }

    public static IEnumerable<RatioResult> Evaluate(RatioSettings settings)
    {
        foreach (var batch in new[] { 1, 32 })
        {
            foreach (var result in Run("stage-eval", batch, [3, 5, 7, 9], false, settings)) yield return result;
        }
    }

    private static IEnumerable<RatioResult> Run(string work, int batch, int[] kernels, bool training, RatioSettings settings)
    {
        foreach (var kernel in kernels)
        {
            foreach (var (channels, size) in Maps)
            {
                using var stage = new StageCase(batch, channels, size, kernel, training);
                List<Contestant> contestants = [.. stage.XSepContestants(), .. stage.DepthwiseContestants()];
                var run = new RatioCase(work, null, stage.Shape, kernel, settings.Threads);
                yield return RatioResult.Measure(
                    run, contestants, settings.Seconds, "composed/fused", "depthwise/fused", "depthwise-fused/fused",
                    "depthwise/depthwise-fused");
            }
        }
    }
}
