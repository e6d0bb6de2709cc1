using System.Globalization;
using XSepConv.Benchmarks.Ratios;

namespace XSepConv.Benchmarks.Pictures;

/// <summary>Milliseconds of one way by kernel size.</summary>
/// <param name="Contestant">As in the JSON.</param>
/// <param name="Kernels">K, ascending.</param>
/// <param name="Ms">Of each K.</param>
internal sealed record KernelCurve(string Contestant, double[] Kernels, double[] Ms);

/// <summary>What `ratios --kernels` measured of one map.</summary>
internal sealed class KernelCurves
{
    // What a curve of fewer is would be a matter of taste.
    private const int LeastKernels = 2;

    private readonly IReadOnlyList<RatioResult> _results;
    private readonly string _shape;

    /// <exception cref="ArgumentException">The report does not hold the shape, over several K, in training and at inference.</exception>
    public KernelCurves(RatioReport report, string shape)
    {
        // At stride 2 it is another layer.
        (_results, _shape) = ([.. report.Results.Where(result => result.Model is null)], shape);
        foreach (var work in new[] { StageWorks.Training, StageWorks.Inference })
        {
            if (Rows(work).Count >= LeastKernels) continue;
            var known = _results.Where(result => result.Work == work).GroupBy(result => result.Shape)
                .Where(group => group.Count() >= LeastKernels).Select(group => group.Key).ToList();
            throw new ArgumentException(
                $"The results hold no {work} of {shape} over {LeastKernels} kernels or more; "
                + (known.Count == 0 ? "`ratios --kernels 3,5,…` measures it." : $"they hold {string.Join(", ", known)}."));
        }
    }

    /// <summary>XSepConv on our kernels, or on libtorch's where ours do not run: what the others are compared with.</summary>
    public string Best => _results.Any(result => result.Ms.ContainsKey("fused")) ? "fused" : StageCase.Auto;

    /// <summary>The largest K of both.</summary>
    public int LargestKernel => Rows(StageWorks.Training).Concat(Rows(StageWorks.Inference)).Max(row => row.Kernel!.Value);

    /// <summary>A quotient of times with two digits, or as many as it has before its point.</summary>
    public static string Times(double quotient) => quotient.ToString(quotient < 9.95 ? "0.0" : "0", CultureInfo.InvariantCulture);

    /// <summary>The curve of a contestant in training or at inference; null where it did not take part.</summary>
    public KernelCurve? Of(string work, string contestant)
    {
        var rows = Rows(work).Where(row => row.Ms.ContainsKey(contestant)).ToList();
        return rows.Count < LeastKernels ? null
            : new(contestant, [.. rows.Select(row => (double)row.Kernel!)], [.. rows.Select(row => row.Ms[contestant])]);
    }

    /// <summary>How many times as fast as others the best XSepConv is, as a table of the docs: a row a pair, a column a K.</summary>
    public string Table()
    {
        (string Work, string Pass, string Contestant, string Name)[] rows =
        [
            (StageWorks.Training, "training step", "depthwise", "depthwise of libtorch"),
            (StageWorks.Training, "training step", "depthwise-fused", "depthwise on our kernels"),
            (StageWorks.Training, "training step", "composed", "XSepConv of libtorch"),
            (StageWorks.Inference, "inference", "depthwise", "depthwise of libtorch"),
            (StageWorks.Inference, "inference", OnnxRuntimeContestant.Name, "depthwise of ONNX Runtime"),
            (StageWorks.Inference, "inference", "depthwise-fused", "depthwise on our kernels"),
            (StageWorks.Inference, "inference", "composed", "XSepConv of libtorch"),
        ];
        var kernels = Rows(StageWorks.Training).Select(row => row.Kernel!.Value).ToList();
        var text = $"| {_shape} | × as fast as | {string.Join(" | ", kernels.Select(kernel => $"K = {kernel}"))} |\n"
            + $"|---|---|{string.Concat(kernels.Select(_ => "---:|"))}\n";
        foreach (var (work, pass, contestant, name) in rows.Where(row => Of(row.Work, row.Contestant) is not null))
        {
            var cells = kernels.Select(kernel =>
                Rows(work).SingleOrDefault(row => row.Kernel == kernel) is { } row && row.Ms.TryGetValue(contestant, out var ms)
                    ? Times(ms / row.Ms[Best]) : "–");
            text += $"| {pass} | {name} | {string.Join(" | ", cells)} |\n";
        }

        return text;
    }

    private List<RatioResult> Rows(string work) =>
        [.. _results.Where(result => result.Work == work && result.Shape == _shape && result.Kernel is not null)
            .OrderBy(result => result.Kernel)];
}
