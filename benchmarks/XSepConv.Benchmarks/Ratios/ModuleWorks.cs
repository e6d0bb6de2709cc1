using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>
/// Networks in evaluation mode without gradients: as libtorch's operators, as the module runs, which looks for changed weights first, and
/// compiled beforehand.
/// </summary>
internal static class ModuleWorks
{
    public const string Evaluation = "module-eval";

    private const string Kept = "bytes that module keeps", Weights = "bytes of the weights";

    public static IEnumerable<RatioResult> Evaluate(RatioSettings settings)
    {
        foreach (var (preset, size) in new[] { (ImagePreset.Cifar, 32), (ImagePreset.ImageNet, 224) })
        {
            foreach (var batch in new[] { 1, 32 })
            {
                using var scope = NewDisposeScope();
                random.manual_seed(1);
                var options = new MobileNetV3Options { Preset = preset, NumClasses = preset == ImagePreset.Cifar ? 10 : 1000 };
                var module = CompiledWorks.Network(MobileNetV3SmallSpec.XSep(options));
                var composed = new MobileNet(module.Spec);
                module.CopyTo(composed);
                composed.eval();
                composed.SetXSepBackend(XSepBackend.Composed);
                var x = randn(batch, 3, size, size);
                var contestants = CompiledWorks.Correct(
                    module, x,
                    [
                        Of("composed", composed, x), Of("module", module, x),
                        CompiledWorks.Compiled("compiled", module, x, settings.Threads),
                    ]);
                var run = new RatioCase(Evaluation, "xsep", $"{batch}x3x{size}x{size}", null, settings.Threads);
                yield return RatioResult.Measure(run, contestants, 2 * settings.Seconds, "composed/module", "compiled/module") with
                {
                    Other = new Dictionary<string, double>
                    {
                        [Kept] = module.Evaluation.MemoryBytes,
                        [Weights] = module.state_dict().Values.Sum(tensor => tensor.numel() * tensor.element_size()),
                    },
                };
            }
        }
    }

    private static Contestant Of(string name, MobileNet network, Tensor x) => new(
        name,
        () =>
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            network.call(x);
        },
        () =>
        {
            using var noGrad = no_grad();
            return [network.call(x)];
        });
}
