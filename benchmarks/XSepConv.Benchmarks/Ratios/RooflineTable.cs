using System.Globalization;
using System.Text;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>The fused stage beside what memory and arithmetic allow it: how near it is, and what its ratio would be there.</summary>
internal static class RooflineTable
{
    /// <summary>Geometric means over shapes; empty where the roofline or the stage was not measured.</summary>
    public static string Of(IReadOnlyList<RatioResult> results)
    {
        var stages = results.Where(result => result.Work is "stage-train" or "stage-eval" && result.Ms.ContainsKey("fused") && result.Ms.ContainsKey("depthwise"));
        var rows = stages.Select(stage => (Stage: stage, Bound: results.FirstOrDefault(result => result.Work == "roofline" && result.Shape == stage.Shape && result.Kernel == stage.Kernel)))
            .Where(pair => pair.Bound is not null)
            .Select(pair => (pair.Stage, Least: Least(pair.Bound!.Ms, pair.Stage.Work == "stage-train" ? "train" : "eval"))).ToList();
        if (rows.Count == 0) return "";

        var text = new StringBuilder("## Roofline\n\n");
        text.AppendLine("The least time is the greater of memory traffic at the rate of a copy and MACs at the rate of registers, both measured in this run, plus a call's fixed cost.").AppendLine();
        text.AppendLine("| work | batch | K | least/fused | depthwise/fused | depthwise/least |").AppendLine("|---|---:|---:|---:|---:|---:|");
        foreach (var row in rows.GroupBy(row => (row.Stage.Work, Batch: row.Stage.Shape.Split('x')[0], row.Stage.Kernel)))
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"| {row.Key.Work} | {row.Key.Batch} | {row.Key.Kernel} | {Mean(row, r => r.Least / r.Stage.Ms["fused"]):0.00} | {Mean(row, r => r.Stage.Ms["depthwise"] / r.Stage.Ms["fused"]):0.00} | {Mean(row, r => r.Stage.Ms["depthwise"] / r.Least):0.00} |");
        }

        return text.AppendLine().ToString();
    }

    private static double Least(IReadOnlyDictionary<string, double> bound, string pass) =>
        Math.Max(bound[$"{pass}-memory"], bound[$"{pass}-macs"]) + bound[$"{pass}-call"];

    private static double Mean<T>(IEnumerable<T> rows, Func<T, double> value) => Math.Exp(rows.Average(row => Math.Log(value(row))));
}
