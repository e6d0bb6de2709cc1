using System.Runtime.InteropServices;
using XSepConv.Cli.Profiling;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>What the fused stage keeps, how it scales with threads, and what the machine would allow.</summary>
internal static partial class StageLimits
{
    /// <summary>One thread against two.</summary>
    public static IEnumerable<RatioResult> Threads(RatioSettings settings)
    {
        foreach (var (channels, size) in StageWorks.Maps)
        {
            using var stage = new StageCase(128, channels, size, 5, training: true);
            var fused = stage.XSepContestants().Single(contestant => contestant.Name == "fused");
            List<Contestant> contestants = [With(fused, 1), With(fused, 2)];
            var result = RatioResult.Measure(
                new("stage-threads", null, stage.Shape, 5, 2), contestants, settings.Seconds, "threads-1/threads-2");
            set_num_threads(settings.Threads);
            yield return result;
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
                kept[$"{name}, bytes kept for backward / bytes of input"] = (AllocatedBytes() - before - (y.numel() * sizeof(float)) + input) / input;
            }

            yield return new("stage-memory", null, $"128x{channels}x{size}x{size}", 5, settings.Threads, new Dictionary<string, double>(), new Dictionary<string, double>())
            {
                Other = kept,
            };
        }
    }

    /// <summary>The least time that memory and arithmetic allow the stage, from rates measured here.</summary>
    public static IEnumerable<RatioResult> Bounds()
    {
        var macs = Roofline.MacsPerSecond();
        var memory = Roofline.CopyBytesPerSecond(128L << 20);
        var secondLevel = Roofline.CopyBytesPerSecond(256 << 10);
        foreach (var (kernel, batch) in new[] { (3, 32), (5, 32), (7, 32), (9, 32), (5, 128), (7, 128) })
        {
            foreach (var (channels, size) in StageWorks.Maps)
            {
                var elements = (double)batch * channels * size * size;
                // Training: x, y, x, dy, dx. The convolutions are computed twice, and their two gradients each once.
                var (train, eval) = (5 * 4 * elements, 2 * 4 * elements);
                var taps = 4 + (2 * kernel);
                yield return new("roofline", null, $"{batch}x{channels}x{size}x{size}", kernel, 1, new Dictionary<string, double>
                {
                    ["train-memory"] = train / memory / 1e6,
                    ["train-macs"] = 4 * taps * elements / macs / 1e6,
                    ["eval-memory"] = eval / memory / 1e6,
                    ["eval-macs"] = taps * elements / macs / 1e6,
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
