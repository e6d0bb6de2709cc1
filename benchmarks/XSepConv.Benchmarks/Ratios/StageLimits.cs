using XSepConv.Cli.Profiling;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>What the fused stage keeps, how it scales with threads, and what the machine would allow.</summary>
internal static class StageLimits
{
    public const string Kept = "stage-memory";

    // How often the sweeps read or write a map in cache: 11 forward, 25 backward. Inference has none where planes are taken as they lie.
    private const int TrainPasses = 36, EvalPasses = 6;

    // The process has other threads than those of the stage.
    private const int Trials = 5;

    // Outside all caches.
    private const long CopiedBytes = 128L << 20;

    /// <summary>One thread against two; and how much more two threads copy in memory than one.</summary>
    public static IEnumerable<RatioResult> Threads(RatioSettings settings)
    {
        var copied = new Dictionary<string, double>
        {
            ["memory copied by two threads / by one"] = CopiedByTwo() / Roofline.CopyBytesPerSecond(CopiedBytes),
        };
        foreach (var map in StageMap.OfNetworks(128))
        {
            using var stage = new StageCase(map, 5, training: true, settings);
            var fused = stage.Fused();
            List<Contestant> contestants = [fused.With(1), fused.With(2)];
            var result = RatioResult.Measure(
                new("stage-threads", null, map.Shape, 5, 2), contestants, settings.Seconds, "threads-1/threads-2");
            set_num_threads(settings.Threads);
            yield return result with { Other = copied };
        }
    }

    /// <summary>Bytes that stay allocated between forward and backward, the input among them, per byte of input.</summary>
    /// <exception cref="PlatformNotSupportedException">There is no glibc 2.33 or later to ask.</exception>
    public static IEnumerable<RatioResult> Memory(RatioSettings settings)
    {
        foreach (var (map, kernel) in StageMap.Cases(settings, 128).Where(stage => settings.Kernels.Count > 0 || stage.Kernel == 5))
        {
            using var scope = NewDisposeScope();
            var x = randn(map.Batch, map.Channels, map.Size, map.Size, requires_grad: true);
            var input = x.numel() * (double)sizeof(float);
            Dictionary<string, double> kept = [];
            foreach (var (name, backend) in new[] { ("fused", XSepBackend.Fused), ("composed", XSepBackend.Composed) })
            {
                using var module = new XSepConv2d(map.Channels, kernel) { Backend = backend };
                Forward(module, x).Dispose();
                kept[$"{name}, bytes kept for backward / bytes of input"] = Interleaved.Median([.. Enumerable.Range(0, Trials).Select(_ =>
                {
                    // What earlier works left to finalizers would be freed at any time.
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                    var before = Allocated();
                    using var y = Forward(module, x);
                    return (Allocated() - before - (y.numel() * sizeof(float)) + input) / input;
                })]);
            }

            yield return new(Kept, null, map.Shape, kernel, settings.Threads, new Dictionary<string, double>(),
                new Dictionary<string, double>())
            {
                Other = kept,
            };
        }
    }

    /// <summary>
    /// What memory, cache and arithmetic allow the stage, from rates measured here, and what a call costs whatever the map.
    /// </summary>
    public static IEnumerable<RatioResult> Bounds(RatioSettings settings)
    {
        var macs = Roofline.MacsPerSecond();
        var memory = Roofline.CopyBytesPerSecond(CopiedBytes);
        var secondLevel = Roofline.CopyBytesPerSecond(256 << 10);
        var (trainCall, evalCall) = Calls(settings);
        foreach (var (map, kernel) in StageMap.Cases(settings, 1, 32, 128))
        {
            // Training: x, y, x, dy, dx. The convolutions are computed twice, and their two gradients each once.
            var (train, eval) = (5 * 4 * map.Elements, 2 * 4 * map.Elements);
            // One image stays in the second-level cache from one call to the next.
            var rate = map.Batch == 1 ? secondLevel : memory;
            var shape = new XSepStageShape(
                map.Batch, map.Channels, map.Size, map.Size, kernel, 1, PaddingDirection.Symmetric, Activation.HSwish);
            var evalPasses = KernelRegistry.Current.InfersPlanes(shape) ? 0 : EvalPasses;
            yield return new("roofline", null, map.Shape, kernel, 1, new Dictionary<string, double>
            {
                ["train-memory"] = train / rate / 1e6,
                ["train-cache"] = TrainPasses * 4 * map.Elements / secondLevel / 1e6,
                ["train-macs"] = 4 * MapMacs.XSep(map, kernel, 1) / macs / 1e6,
                ["train-call"] = trainCall,
                ["eval-memory"] = eval / rate / 1e6,
                ["eval-cache"] = evalPasses * 4 * map.Elements / secondLevel / 1e6,
                ["eval-macs"] = MapMacs.XSep(map, kernel, 1) / macs / 1e6,
                ["eval-call"] = evalCall,
                ["depthwise-eval-macs"] = MapMacs.Depthwise(map, kernel, 1) / macs / 1e6,
            }, new Dictionary<string, double>())
            {
                Other = new Dictionary<string, double>
                {
                    ["GMAC/s in registers"] = macs,
                    ["GB/s copied in memory"] = memory,
                    ["GB/s copied in L2"] = secondLevel,
                },
            };
        }
    }

    /// <summary>Milliseconds of a step and of an inference on maps of one pixel: checks, tensors and autograd, hardly any kernel.</summary>
    private static (double Train, double Evaluate) Calls(RatioSettings settings)
    {
        using var training = new StageCase(new(2, 16, 1), 3, training: true, settings);
        using var evaluation = new StageCase(new(1, 16, 1), 3, training: false, settings);
        var medians = Interleaved.Medians([training.Fused().Step, evaluation.Fused().Step], settings.Seconds);
        return (medians[0], medians[1]);
    }

    /// <summary>What two threads copy together: twice what one does while another copies more, and so for longer.</summary>
    private static double CopiedByTwo()
    {
        var other = new Thread(() => Roofline.CopyBytesPerSecond(4 * CopiedBytes));
        other.Start();
        Thread.Sleep(TimeSpan.FromSeconds(0.5)); // Until its memory is there and the copying has begun.
        var beside = Roofline.CopyBytesPerSecond(CopiedBytes);
        other.Join();
        return 2 * beside;
    }

    private static Tensor Forward(XSepConv2d module, Tensor x)
    {
        using var scope = NewDisposeScope();
        return module.call(x).MoveToOuterDisposeScope();
    }

    private static double Allocated() => AllocatedMemory.Bytes()
        ?? throw new PlatformNotSupportedException("What is kept is read from glibc 2.33 or later, which is not here.");
}
