using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>Whole networks at inference, 224×224: this project's runtime, ONNX Runtime on our own export, and torch.</summary>
internal static class CompiledWorks
{
    public const string WithoutAvx512 = "net-eval-avx2";

    /// <summary>The rows of <c>net-eval</c> for the networks that torchvision publishes, alone.</summary>
    public const string Published = "net-eval-published";

    private const string Allocated = "bytes allocated by a run of compiled";
    private const string HalfBytes = $"compiled/{NarrowContestants.BFloat16}", QuarterBytes = $"compiled/{NarrowContestants.Int8}";

    public static IEnumerable<RatioResult> Evaluate(RatioSettings settings)
    {
        foreach (var batch in new[] { 1, 32 })
        {
            foreach (var result in Pair(batch, [], settings)) yield return result;
        }

        foreach (var kernel in new[] { 7, 9 })
        {
            foreach (var batch in new[] { 1, 32 })
            {
                foreach (var result in Pair(batch, [kernel], settings)) yield return result;
            }
        }

        foreach (var result in EvaluatePublished(settings)) yield return result;
    }

    /// <summary>The networks that pretrained weights are published for, under torchvision's names.</summary>
    public static IEnumerable<RatioResult> EvaluatePublished(RatioSettings settings)
    {
        foreach (var (model, spec) in new[]
        {
            ("mobilenet_v3_small", PublishedSpec.MobileNetV3Small()), ("mobilenet_v3_large", PublishedSpec.MobileNetV3Large()),
            ("mobilenet_v2", PublishedSpec.MobileNetV2()),
        })
        {
            foreach (var batch in new[] { 1, 32 })
            {
                using var scope = NewDisposeScope();
                random.manual_seed(1);
                var (x, network) = (randn(batch, 3, 224, 224), Network(spec));
                var contestants = Correct(
                    network, x,
                    [
                        Compiled("compiled", network, x, settings.Threads), OnnxRuntimeContestant.Of(network, x, settings.Threads),
                        .. Torch(network, x, embedded: false),
                    ]);
                contestants.AddRange(NarrowContestants.Of(network, x, settings.Threads));
                yield return RatioResult.Measure(
                    new("net-eval", model, $"{batch}x3x224x224", null, settings.Threads), contestants, 2 * settings.Seconds,
                    "onnxruntime/compiled", "torch/compiled", HalfBytes, QuarterBytes) with
                {
                    Other = new Dictionary<string, double> { [Allocated] = AllocatedBytes(contestants[0]) },
                };
            }
        }
    }

    /// <summary>
    /// The compiled networks on 256-bit vectors against ONNX Runtime on the widest that the processor has: .NET's switch is none of its
    /// own.
    /// </summary>
    /// <remarks>Vectors are chosen when the process starts, so where there are wider ones, a process without them measures both.</remarks>
    public static IEnumerable<RatioResult> EvaluateWithoutAvx512(RatioSettings settings)
    {
        if (Vector512.IsHardwareAccelerated) return OwnProcess.Measure(WithoutAvx512, settings, ("DOTNET_EnableAVX512", "0"));
        return Measure();

        IEnumerable<RatioResult> Measure()
        {
            foreach (var batch in new[] { 1, 32 })
            {
                foreach (var (model, spec) in new[] { ("xsep", MobileNetV3SmallSpec.XSep()), ("depthwise", MobileNetV3SmallSpec.Twin()) })
                {
                    using var scope = NewDisposeScope();
                    random.manual_seed(1);
                    var x = randn(batch, 3, 224, 224);
                    var network = Network(spec);
                    var contestants = Correct(
                        network, x,
                        [
                            Compiled("compiled", network, x, settings.Threads),
                            OnnxRuntimeContestant.Of(network, x, settings.Threads),
                        ]);
                    var run = new RatioCase(WithoutAvx512, model, $"{batch}x3x224x224", null, settings.Threads);
                    yield return RatioResult.Measure(run, contestants, 2 * settings.Seconds, "onnxruntime/compiled") with
                    {
                        Other = new Dictionary<string, double> { [Allocated] = AllocatedBytes(contestants[0]) },
                    };
                }
            }
        }
    }

    /// <summary>One thread against two, XSep, batch 32.</summary>
    public static IEnumerable<RatioResult> Threads(RatioSettings settings)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var network = Network(MobileNetV3SmallSpec.XSep());
        var x = randn(32, 3, 224, 224);
        var contestants = Correct(
            network, x, [.. Enumerable.Range(1, 2).Select(threads => Compiled($"threads-{threads}", network, x, threads))]);
        yield return RatioResult.Measure(
            new("net-eval-threads", "xsep", "32x3x224x224", null, 2), contestants, 4 * settings.Seconds, "threads-1/threads-2");
    }

    private static IEnumerable<RatioResult> Pair(int batch, int[] kernels, RatioSettings settings)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var options = kernels.Length == 0 ? new MobileNetV3Options() : new MobileNetV3Options { Kernels = kernels };
        var x = randn(batch, 3, 224, 224);
        var xsep = Network(MobileNetV3SmallSpec.XSep(options));
        var twin = Network(MobileNetV3SmallSpec.Twin(options));
        var twinCompiled = Correct(twin, x, [Compiled("twin", twin, x, settings.Threads)]).Single();
        foreach (var (model, network) in new[] { ("xsep", xsep), ("depthwise", twin) })
        {
            var contestants = Correct(
                network, x,
                [
                    Compiled("compiled", network, x, settings.Threads), OnnxRuntimeContestant.Of(network, x, settings.Threads),
                    .. Torch(network, x, embedded: false), .. model == "xsep" ? Torch(network, x, embedded: true) : [],
                ]);
            if (model == "xsep") contestants.AddRange([twinCompiled, .. NarrowContestants.Of(network, x, settings.Threads)]);
            var run = new RatioCase("net-eval", model, $"{batch}x3x224x224", kernels.Length == 0 ? null : kernels[0], settings.Threads);
            yield return RatioResult.Measure(
                run, contestants, 2 * settings.Seconds, "onnxruntime/compiled", "torch/compiled", "twin/compiled", HalfBytes,
                QuarterBytes) with
            {
                Other = new Dictionary<string, double> { [Allocated] = AllocatedBytes(contestants[0]) },
            };
        }
    }

    internal static MobileNet Network(NetworkSpec spec)
    {
        var network = new MobileNet(spec);
        network.RandomizeNorms();
        network.eval();
        return network;
    }

    internal static Contestant Compiled(string name, MobileNet network, Tensor x, int threads) =>
        Compiled(name, network.Compile(), x, threads);

    internal static Contestant Compiled(string name, CompiledModel model, Tensor x, int threads)
    {
        var batch = (int)x.shape[0];
        var session = model.CreateSession(batch, threads);
        var pixels = x.data<float>().ToArray();
        var logits = new float[batch * model.Spec.NumClasses];
        return new(name, () => session.Run(pixels, logits), () =>
        {
            session.Run(pixels, logits);
            return [tensor(logits).view(batch, -1)];
        });
    }

    /// <summary>In both layouts.</summary>
    private static IEnumerable<Contestant> Torch(MobileNet network, Tensor x, bool embedded)
    {
        var folded = new FoldedTorch(network, embedded);
        return [In(Contestant.Nchw, x), In(Contestant.ChannelsLast, ChannelsLastStep.InLayout(x))];

        Contestant In(string layout, Tensor images) => new("torch", () =>
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            folded.Forward(images);
        }, () =>
        {
            using var noGrad = no_grad();
            return [folded.Forward(images)];
        })
        {
            Layout = layout,
        };
    }

    /// <summary>Those that agree with the module in float64.</summary>
    internal static List<Contestant> Correct(MobileNet network, Tensor x, IReadOnlyList<Contestant> contestants)
    {
        using var scope = NewDisposeScope();
        var exact = new MobileNet(network.Spec, dtype: ScalarType.Float64);
        network.CopyTo(exact);
        exact.eval();
        using var noGrad = no_grad();
        return Correctness.Keep(contestants, [exact.call(x.to_type(ScalarType.Float64))]);
    }

    /// <summary>
    /// Bytes that a run allocates on all threads; the least of several trials, since the process has other threads than those of the run.
    /// </summary>
    private static double AllocatedBytes(Contestant contestant)
    {
        const int Trials = 5, Runs = 20;
        contestant.Step();
        var least = double.MaxValue;
        for (var trial = 0; trial < Trials; trial++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var run = 0; run < Runs; run++) contestant.Step();
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Runs);
        }

        return least;
    }
}
