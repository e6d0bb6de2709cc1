using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>One shape of one work: milliseconds of each contestant, and the ratios that the project promises.</summary>
/// <param name="Work">For example <c>stage-train</c>.</param>
/// <param name="Model"><c>xsep</c> or <c>depthwise</c> where a whole network runs.</param>
/// <param name="Shape">The input, <c>NxCxHxW</c>.</param>
/// <param name="Kernel">K, where there is one.</param>
/// <param name="Threads">Threads it ran with.</param>
/// <param name="Ms">
/// Median milliseconds by contestant: of the faster layout, and of each as <c>contestant-layout</c> where both were measured.
/// </param>
/// <param name="Ratio">Quotients of medians, named <c>left/right</c>.</param>
internal sealed record RatioResult(
    string Work, string? Model, string Shape, int? Kernel, int Threads, IReadOnlyDictionary<string, double> Ms, IReadOnlyDictionary<string,
    double> Ratio)
{
    /// <summary>Further measured quantities, by name with unit.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, double>? Other { get; init; }

    /// <summary>Bytes that a step of each contestant takes at most beside what stays: see <see cref="StepMemory"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, double>? Memory { get; init; }

    /// <summary>Measures contestants and forms the ratios.</summary>
    public static RatioResult Measure(RatioCase run, IReadOnlyList<Contestant> contestants, double seconds, params string[] ratios)
    {
        // There, a step only asks for work.
        Action? finish = run.OnCuda ? () => cuda.synchronize() : null;
        var medians = Interleaved.Medians([.. contestants.Select(contestant => contestant.Step)], seconds, finish);
        var ms = contestants.Zip(medians).GroupBy(pair => pair.First.Name)
            .ToDictionary(group => group.Key, group => group.Min(pair => pair.Second));
        foreach (var (contestant, median) in contestants.Zip(medians))
        {
            if (contestant.Layout is null) continue;
            var way = contestant.NameInLayout;
            ms[way] = ms.TryGetValue(way, out var other) ? Math.Min(median, other) : median;
        }

        return new(run.Work, run.Model, run.Shape, run.Kernel, run.Threads, ms, Ratios(ms, ratios));
    }

    private static Dictionary<string, double> Ratios(Dictionary<string, double> ms, string[] ratios)
    {
        var quotients = new Dictionary<string, double>();
        foreach (var ratio in ratios)
        {
            var names = ratio.Split('/');
            if (ms.TryGetValue(names[0], out var left) && ms.TryGetValue(names[1], out var right)) quotients[ratio] = left / right;
        }

        return quotients;
    }
}

/// <summary>What is measured, without its figures.</summary>
internal sealed record RatioCase(string Work, string? Model, string Shape, int? Kernel, int Threads)
{
    /// <summary>Whether the steps leave their work to a CUDA device.</summary>
    public bool OnCuda { get; init; }
}

/// <summary>The file that <c>--json</c> writes.</summary>
internal sealed record RatioReport(string Machine, IReadOnlyList<string> Versions, int Threads, IReadOnlyList<RatioResult> Results);
