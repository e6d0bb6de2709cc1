namespace XSepConv.Benchmarks.Ratios;

/// <summary>The XSepConv stage against what it replaces: training (forward and backward through autograd) and inference.</summary>
internal static class StageWorks
{
    public const string Training = "stage-train", Inference = "stage-eval", TimePerMac = "stage-macs";

    /// <summary>The K whose time per multiply-accumulate the others are held to.</summary>
    public const int ReferenceKernel = 9;

    private static readonly int[] s_macKernels = [ReferenceKernel, 11, 15, 21, 31];

    public static IEnumerable<RatioResult> Train(RatioSettings settings) => Run(Training, true, settings, 32, 128);

    public static IEnumerable<RatioResult> Evaluate(RatioSettings settings) => Run(Inference, false, settings, 1, 32);

    /// <summary>The fused stage at several K in turns: its time per multiply-accumulate inside the map against that at K = 9.</summary>
    public static IEnumerable<RatioResult> Macs(RatioSettings settings)
    {
        int[] kernels = settings.Kernels.Count == 0 ? s_macKernels : [.. settings.Kernels.Append(ReferenceKernel).Distinct().Order()];
        foreach (var pass in new[] { "training", "inference" })
        {
            foreach (var map in settings.Maps)
            {
                var stages = kernels.Select(kernel => new StageCase(map, kernel, pass == "training", settings)).ToList();
                var contestants = stages.Zip(
                    kernels, (stage, kernel) => stage.Fused() with { Name = $"K={kernel}" }).ToList();
                var result = RatioResult.Measure(
                    new(TimePerMac, Named(pass, settings), map.Shape, null, settings.Threads), contestants, settings.Seconds);
                stages.ForEach(stage => stage.Dispose());
                double Nanoseconds(int kernel) => 1e6 * result.Ms[$"K={kernel}"] / MapMacs.XSep(map, kernel, settings.Stride);
                yield return result with
                {
                    Other = kernels.ToDictionary(
                        kernel => $"K={kernel}, time per MAC against K={ReferenceKernel}",
                        kernel => Nanoseconds(kernel) / Nanoseconds(ReferenceKernel)),
                };
            }
        }
    }

    private static string? Named(string? model, RatioSettings settings) =>
        settings.Stride == 1 ? model : $"{(model is null ? "" : $"{model}, ")}stride {settings.Stride}";

    private static IEnumerable<RatioResult> Run(string work, bool training, RatioSettings settings, params IEnumerable<int> batches)
    {
        foreach (var (map, kernel) in StageMap.Cases(settings, batches))
        {
            using var stage = new StageCase(map, kernel, training, settings);
            List<Contestant> contestants = [.. stage.XSepContestants(), .. stage.DepthwiseContestants()];
            var run = new RatioCase(work, Named(null, settings), map.Shape, kernel, settings.Threads) { OnCuda = settings.OnCuda };
            if (settings.OnCuda)
            {
                yield return RatioResult.Measure(
                    run, contestants, settings.Seconds, "depthwise/auto", "depthwise-nchw/auto", "composed/auto");
                continue;
            }

            var result = RatioResult.Measure(
                run, contestants, settings.Seconds, "composed/fused", "depthwise/fused", "depthwise-fused/fused",
                "depthwise/depthwise-fused", $"{OnnxRuntimeContestant.Name}/fused", $"{OnnxRuntimeContestant.Name}/depthwise-fused");
            var (xsep, depthwise) = (MapMacs.XSep(map, kernel, settings.Stride), MapMacs.Depthwise(map, kernel, settings.Stride));
            yield return result with
            {
                Other = new Dictionary<string, double>
                {
                    ["MACs inside the map"] = xsep,
                    ["MACs of the depthwise inside the map"] = depthwise,
                    ["fused, ns per MAC"] = 1e6 * result.Ms["fused"] / xsep,
                    ["depthwise-fused, ns per MAC"] = 1e6 * result.Ms["depthwise-fused"] / depthwise,
                },
            };
        }
    }
}
