using System.Globalization;
using System.Text;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>The fused stage beside what memory and arithmetic allow it: how near it is, and what its ratio would be there.</summary>
internal static class RooflineTable
{
    /// <summary>
    /// Geometric means over shapes; empty where the roofline or the stage was not measured, or the stage on more threads than the one that
    /// the roofline is of.
    /// </summary>
    public static string Of(IReadOnlyList<RatioResult> results)
    {
        var stages = results.Where(
            result => result.Work is "stage-train" or "stage-eval" && result.Ms.ContainsKey("fused") && result.Ms.ContainsKey("depthwise"));
        var rows = stages.Select(
            stage => (Stage: stage, Bound: results.FirstOrDefault(
            result => result.Work == "roofline" && result.Shape == stage.Shape && result.Kernel == stage.Kernel
                && result.Threads == stage.Threads)))
            .Where(pair => pair.Bound is not null)
            .Select(pair => (pair.Stage, Limits: Limits(pair.Bound!.Ms, pair.Stage.Work == "stage-train" ? "train" : "eval"))).ToList();
        if (rows.Count == 0) return "";

        var text = new StringBuilder("## Roofline\n\n");
        text.AppendLine(
            """
            Memory traffic at the rate of a copy in memory, passes through the cache at that of a copy in the second-level cache,
            MACs at the rate of registers, all measured in this run: the *least* time is the greatest of the three,
            *in turn* is their sum, as if none overlapped. Both include a call's fixed cost.

            | work | batch | K | least/fused | in turn/fused | depthwise/fused | depthwise/in turn | depthwise/least |
            |---|---:|---:|---:|---:|---:|---:|---:|
            """);
        foreach (var row in rows.GroupBy(row => (row.Stage.Work, Batch: row.Stage.Shape.Split('x')[0], row.Stage.Kernel)))
        {
            double[] columns =
            [
                Mean(row, r => r.Limits.Least / r.Stage.Ms["fused"]), Mean(row, r => r.Limits.InTurn / r.Stage.Ms["fused"]), Mean(
                    row, r => r.Stage.Ms["depthwise"] / r.Stage.Ms["fused"]),
                Mean(row, r => r.Stage.Ms["depthwise"] / r.Limits.InTurn), Mean(row, r => r.Stage.Ms["depthwise"] / r.Limits.Least),
            ];
            text.AppendLine(
                CultureInfo.InvariantCulture, $"| {row.Key.Work} | {row.Key.Batch} | {row.Key.Kernel} | "
                + $"{string.Join(" | ", columns.Select(column => column.ToString("0.00", CultureInfo.InvariantCulture)))} |");
        }

        return text.AppendLine().ToString();
    }

    private static (double Least, double InTurn) Limits(IReadOnlyDictionary<string, double> bound, string pass)
    {
        double[] parts = [bound[$"{pass}-memory"], bound[$"{pass}-cache"], bound[$"{pass}-macs"]];
        return (parts.Max() + bound[$"{pass}-call"], parts.Sum() + bound[$"{pass}-call"]);
    }

    private static double Mean<T>(IEnumerable<T> rows, Func<T, double> value) => Math.Exp(rows.Average(row => Math.Log(value(row))));
}
