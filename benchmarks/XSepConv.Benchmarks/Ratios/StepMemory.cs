using System.Globalization;
using XSepConv.Training;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>The most memory that a training step takes beside what stays from step to step.</summary>
/// <remarks>
/// As the system counts it: the process's highest resident size during a step, with the optimizer's part, less its resident size before.
/// Before it there are weights, running statistics, momenta, the batch, libraries and code. So what counts is what a step makes: maps,
/// what is kept for backward, scratch, and the weights' gradients. To be seen, freed memory has to go back to the system, which malloc only
/// does at once for blocks that have pages of their own; so the steps run in a process where blocks of 64 KiB and more do. Smaller ones,
/// and what libraries keep from one step to the next, are not seen.
/// </remarks>
internal static class StepMemory
{
    public const string Work = "net-train-memory";

    private const string PagesOfTheirOwn = "MALLOC_MMAP_THRESHOLD_";
    private const int LeastBytes = 64 << 10;

    // The first step loads code and makes the momenta; the ones behind it are the same but for some hundred kilobytes.
    private const int Warmup = 1, Steps = 2;

    private static readonly bool s_isPrepared =
        Environment.GetEnvironmentVariable(PagesOfTheirOwn) == LeastBytes.ToString(CultureInfo.InvariantCulture);

    /// <summary>Whether malloc is to give memory back, in the process that this work has for itself.</summary>
    public static bool GivesMemoryBack => s_isPrepared;

    /// <summary>Bytes of every contestant of every case, in a process of their own; none where the system does not tell.</summary>
    public static IReadOnlyList<RatioResult> Measure(RatioSettings settings)
    {
        if (!OperatingSystem.IsLinux() || !Peak.CanStartAgain())
        {
            Console.Error.WriteLine("The memory of a step is not measured: it takes Linux, with /proc/self/clear_refs.");
            return [];
        }

        return s_isPrepared ? [.. TrainingCase.All.Select(training => Of(training, settings))]
            : OwnProcess.Measure(Work, settings, (PagesOfTheirOwn, LeastBytes.ToString(CultureInfo.InvariantCulture)));
    }

    private static RatioResult Of(TrainingCase training, RatioSettings settings)
    {
        using var scope = NewDisposeScope();
        var data = training.Data();
        var bytes = training.Contestants.ToDictionary(
            contestant => contestant.Name, contestant => Bytes(TrainingCase.Network(contestant.Spec, contestant.Backend), data));
        return new(Work, "xsep", training.Shape, training.Kernel, settings.Threads, new Dictionary<string, double>(),
            new Dictionary<string, double>())
        {
            Memory = bytes,
        };
    }

    private static double Bytes(MobileNet network, (Tensor Images, Tensor Labels) data)
    {
        using var disposed = network;
        using var optimizer = optim.SGD(network.parameters(), learningRate: 0.01, momentum: 0.9);
        List<double> bytes = [];
        for (var step = 0; step < Warmup + Steps; step++)
        {
            network.zero_grad();

            // What was left to finalizers would be freed at any time.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Peak.StartAgain();
            var before = Peak.Now();
            using (NewDisposeScope())
            {
                TrainingCase.Step(network, data);
                optimizer.step();
            }

            if (step >= Warmup) bytes.Add(Peak.Bytes() - before);
        }

        return bytes.Min();
    }

    /// <summary>The highest resident size of this process.</summary>
    private static class Peak
    {
        // Linux's proc_pid_clear_refs(5): 5 sets the peak to what is resident now.
        private const string ClearRefs = "/proc/self/clear_refs", ResetPeak = "5";

        public static bool CanStartAgain()
        {
            try
            {
                StartAgain();
                return ProcessMemory.Peak() is not null && ProcessMemory.Now() is not null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }

        public static void StartAgain() => File.WriteAllText(ClearRefs, ResetPeak);

        public static double Now() => ProcessMemory.Now()!.Value;

        public static double Bytes() => ProcessMemory.Peak()!.Value;
    }
}
