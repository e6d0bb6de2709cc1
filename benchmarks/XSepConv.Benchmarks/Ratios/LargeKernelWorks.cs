using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>
/// The small network of kernels of 31 to 13 in the runtime, 224×224: beside its depthwise twin, ONNX Runtime, and MobileNetV3-Small with
/// XSepConv's kernels of 5 and 3, whose latency it is made for.
/// </summary>
internal static class LargeKernelWorks
{
    public const string Evaluation = "net-eval-large";

    private const string Small = "xsep-mobilenet-v3-small", Twin = "twin";

    public static IEnumerable<RatioResult> Evaluate(RatioSettings settings)
    {
        foreach (var batch in new[] { 1, 32 })
        {
            using var scope = NewDisposeScope();
            random.manual_seed(1);
            var x = randn(batch, 3, 224, 224);
            var (xsep, twin) = (CompiledWorks.Network(LargeKernelSmallSpec.XSep()), CompiledWorks.Network(LargeKernelSmallSpec.Twin()));
            var small = CompiledWorks.Network(MobileNetV3SmallSpec.XSep());
            List<Contestant> contestants =
            [
                .. CompiledWorks.Correct(
                    xsep, x,
                    [
                        CompiledWorks.Compiled("compiled", xsep, x, settings.Threads), OnnxRuntimeContestant.Of(xsep, x, settings.Threads),
                    ]),
                .. CompiledWorks.Correct(twin, x, [CompiledWorks.Compiled(Twin, twin, x, settings.Threads)]),
                .. CompiledWorks.Correct(small, x, [CompiledWorks.Compiled(Small, small, x, settings.Threads)]),
            ];
            yield return RatioResult.Measure(
                new(Evaluation, "large-kernel", $"{batch}x3x224x224", null, settings.Threads), contestants, 2 * settings.Seconds,
                $"{OnnxRuntimeContestant.Name}/compiled", $"{Twin}/compiled", $"{Small}/compiled");
        }
    }
}
