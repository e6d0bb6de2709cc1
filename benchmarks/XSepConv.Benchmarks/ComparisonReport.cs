using System.Globalization;
using System.Text;
using BenchmarkDotNet.Parameters;
using BenchmarkDotNet.Reports;

namespace XSepConv.Benchmarks;

/// <summary>Markdown of a run: what it ran on, then one row a case with both contestants and their ratio.</summary>
internal static class ComparisonReport
{
    public static string Write(Summary summary, BenchmarkRun run)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"# {run.Title}").AppendLine();
        text.AppendLine(run.Description).AppendLine();
        foreach (var line in Machine.Describe(run.Threads))
            text.AppendLine(CultureInfo.InvariantCulture, $"- {line}");
        text.AppendLine(CultureInfo.InvariantCulture, $"- `{run.CommandLine}`");
        text.AppendLine(
            "- times are medians, ± is the standard deviation; below 1, XSepConv on our kernels is faster than libtorch's depthwise")
            .AppendLine();
        AppendTable(text, summary);
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static void AppendTable(StringBuilder text, Summary summary)
    {
        var names = Parameters(summary.Reports[0]).Select(parameter => parameter.Name).ToList();
        var cases = summary.Reports.GroupBy(report => report.BenchmarkCase.Parameters.DisplayInfo)
            .OrderBy(pair => pair.First(), Comparer<BenchmarkReport>.Create(Compare));
        text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(" | ", names)} | depthwise, libtorch | XSep, ours | ratio |");
        text.AppendLine(CultureInfo.InvariantCulture, $"|{string.Concat(names.Select(_ => "---|"))}---:|---:|---:|");
        foreach (var pair in cases)
        {
            var baseline = pair.Single(report => report.BenchmarkCase.Descriptor.Baseline);
            var other = pair.Single(report => !report.BenchmarkCase.Descriptor.Baseline);
            var parameters = Parameters(baseline).Select(parameter => parameter.Value switch
            {
                Pass.Forward => "forward",
                Pass.ForwardBackward => "forward + backward",
                var value => value.ToString(),
            });
            var ratio = other.ResultStatistics!.Median / baseline.ResultStatistics!.Median;
            text.AppendLine(
                CultureInfo.InvariantCulture, $"| {string.Join(" | ", parameters)} | {Time(baseline)} | {Time(other)} | {ratio:0.00} |");
        }
    }

    /// <summary>In the order of their priorities, which is that of the declarations; BenchmarkDotNet sorts them by name.</summary>
    private static IEnumerable<ParameterInstance> Parameters(BenchmarkReport report)
        => report.BenchmarkCase.Parameters.Items.OrderBy(parameter => parameter.Definition.PriorityInCategory);

    private static int Compare(BenchmarkReport left, BenchmarkReport right)
        => Parameters(left).Zip(Parameters(right), (l, r) => l.Value is IComparable value ? value.CompareTo(r.Value) : 0)
            .FirstOrDefault(order => order != 0);

    private static string Time(BenchmarkReport report)
        => string.Create(CultureInfo.InvariantCulture,
            $"{report.ResultStatistics!.Median / 1e6:0.000} ms ± {report.ResultStatistics.StandardDeviation / 1e6:0.000}");
}
