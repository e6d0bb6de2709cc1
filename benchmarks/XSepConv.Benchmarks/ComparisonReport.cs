using System.Globalization;
using System.Text;
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
        text.AppendLine("- times are medians, ± is the standard deviation; XSep / depthwise below 1 means that XSepConv is faster").AppendLine();
        AppendTable(text, summary);
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static void AppendTable(StringBuilder text, Summary summary)
    {
        var cases = summary.Reports.GroupBy(report => report.BenchmarkCase.Parameters.DisplayInfo).ToList();
        var names = cases[0].First().BenchmarkCase.Parameters.Items.Select(parameter => parameter.Name).ToList();
        text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(" | ", names)} | depthwise | XSep | XSep / depthwise |");
        text.AppendLine(CultureInfo.InvariantCulture, $"|{string.Concat(names.Select(_ => "---|"))}---:|---:|---:|");
        foreach (var pair in cases)
        {
            var baseline = pair.Single(report => report.BenchmarkCase.Descriptor.Baseline);
            var other = pair.Single(report => !report.BenchmarkCase.Descriptor.Baseline);
            var parameters = baseline.BenchmarkCase.Parameters.Items.Select(parameter => parameter.Value switch
            {
                Pass.Forward => "forward",
                Pass.ForwardBackward => "forward + backward",
                var value => value.ToString(),
            });
            var ratio = other.ResultStatistics!.Median / baseline.ResultStatistics!.Median;
            text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(" | ", parameters)} | {Time(baseline)} | {Time(other)} | {ratio:0.00} |");
        }
    }

    private static string Time(BenchmarkReport report)
        => string.Create(CultureInfo.InvariantCulture, $"{report.ResultStatistics!.Median / 1e6:0.000} ms ± {report.ResultStatistics.StandardDeviation / 1e6:0.000}");
}
