using System.Runtime.InteropServices;
using XSepConv.Cli.Profiling;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>What the fused stage keeps, how it scales with threads, and what the machine would allow.</summary>
internal static partial class StageLimits
{
    // How often the sweeps read or write a map in cache; performance.md lists them. Inference has none where planes are taken as they lie.
    private const int TrainPasses = 36, EvalPasses = 6;

    // Outside all caches.
    private const long CopiedBytes = 128L << 20;

    private static readonly (int Batch,
        int Kernel)[] s_bounded = [.. from batch in (int[])[1, 32, 128] from kernel in (int[])[3, 5, 7, 9] select (batch, kernel)];

    /// <summary>One thread against two; and how much more two threads copy in memory than one.</summary>
    public static IEnumerable<RatioResult> Threads(RatioSettings settings)
    {
        var copied = new Dictionary<string, double>
        {
            ["memory copied by two threads / by one"] = CopiedByTwo() / Roofline.CopyBytesPerSecond(CopiedBytes),
        };
        foreach (var (channels, size) in StageWorks.Maps)
        {
            using var stage = new StageCase(128, channels, size, 5, training: true);
            var fused = stage.XSepContestants().Single(contestant => contestant.Name == "fused");
            List<Contestant> contestants = [With(fused, 1), With(fused, 2)];
            var result = RatioResult.Measure(
                new("stage-threads", null, stage.Shape, 5, 2), contestants, settings.Seconds, "threads-1/threads-2");
            set_num_threads(settings.Threads);
            yield return result with { Other = copied };
        }
    }

    /// <summary>Bytes that stay allocated between forward and backward, the input among them, per byte of input.</summary>
    /// <exception cref="EntryPointNotFoundException">There is no glibc 2.33 or later to ask.</exception>
    public static IEnumerable<RatioResult> Memory(RatioSettings settings)
    {
        foreach (var (channels, size) in StageWorks.Maps)
        {
            using var scope = NewDisposeScope();
            var x = randn(128, channels, size, size, requires_grad: true);
            var input = x.numel() * (double)sizeof(float);
            Dictionary<string, double> kept = [];
            foreach (var (name, backend) in new[] { ("fused", XSepBackend.Fused), ("composed", XSepBackend.Composed) })
            {
                using var module = new XSepConv2d(channels, 5) { Backend = backend };
                Forward(module, x).Dispose();
                var before = AllocatedBytes();
                using var y = Forward(module, x);
                kept[$"{name}, bytes kept for backward / bytes of input"] = (
                    AllocatedBytes() - before - (y.numel() * sizeof(float)) + input) / input;
            }

            yield return new("stage-memory", null, $"128x{channels}x{size}x{size}", 5, settings.Threads, new Dictionary<string, double>(),
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
        foreach (var (batch, kernel) in s_bounded)
        {
            foreach (var (channels, size) in StageWorks.Maps)
            {
                var elements = (double)batch * channels * size * size;
                // Training: x, y, x, dy, dx. The convolutions are computed twice, and their two gradients each once.
                var (train, eval) = (5 * 4 * elements, 2 * 4 * elements);
                var taps = 4 + (2 * kernel);
                // One image stays in the second-level cache from one call to the next.
                var rate = batch == 1 ? secondLevel : memory;
                var shape = new XSepStageShape(batch, channels, size, size, kernel, 1, PaddingDirection.Symmetric, Activation.HSwish);
                var evalPasses = KernelRegistry.Current.InfersPlanes(shape) ? 0 : EvalPasses;
                yield return new("roofline", null, $"{batch}x{channels}x{size}x{size}", kernel, 1, new Dictionary<string, double>
                {
                    ["train-memory"] = train / rate / 1e6,
                    ["train-cache"] = TrainPasses * 4 * elements / secondLevel / 1e6,
                    ["train-macs"] = 4 * taps * elements / macs / 1e6,
                    ["train-call"] = trainCall,
                    ["eval-memory"] = eval / rate / 1e6,
                    ["eval-cache"] = evalPasses * 4 * elements / secondLevel / 1e6,
                    ["eval-macs"] = taps * elements / macs / 1e6,
                    ["eval-call"] = evalCall,
                    ["depthwise-eval-macs"] = kernel * kernel * elements / macs / 1e6,
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
    }

    /// <summary>Milliseconds of a step and of an inference on maps of one pixel: checks, tensors and autograd, hardly any kernel.</summary>
    private static (double Train, double Evaluate) Calls(RatioSettings settings)
    {
        using var training = new StageCase(2, 16, 1, 3, training: true);
        using var evaluation = new StageCase(1, 16, 1, 3, training: false);
        var medians = Interleaved.Medians([Fused(training), Fused(evaluation)], settings.Seconds);
        return (medians[0], medians[1]);

        static Action Fused(StageCase stage) => stage.XSepContestants().Single(contestant => contestant.Name == "fused").Step;
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

    private static Contestant With(Contestant contestant, int threads) => contestant with
    {
        Name = $"threads-{threads}",
        Step = () =>
        {
            set_num_threads(threads);
            contestant.Step();
        },
    };

    /// <summary>What malloc has handed out, in all arenas and in blocks of their own.</summary>
    private static double AllocatedBytes()
    {
        var info = MallInfo2();
        return info.InUse + info.Mapped;
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallinfo2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial AllocatorState MallInfo2();

    // glibc's malloc.h, struct mallinfo2: ten sizes.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct AllocatorState
    {
        private readonly Sizes _sizes;

        public double InUse => _sizes[7];

        public double Mapped => _sizes[4];

        [System.Runtime.CompilerServices.InlineArray(10)]
        private struct Sizes
        {
            private nuint _first;
        }
    }
}
