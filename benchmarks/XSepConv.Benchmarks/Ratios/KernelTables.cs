using System.Globalization;
using System.Text;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>What becomes of a stage as its kernel grows: milliseconds, time per multiply-accumulate, bytes kept.</summary>
internal static class KernelTables
{
    /// <summary>Empty where nothing was measured over several K.</summary>
    public static string Of(IReadOnlyList<RatioResult> results)
    {
        var text = new StringBuilder();
        foreach (var work in results
            .Where(result => result.Work is StageWorks.Training or StageWorks.Inference && !StageMap.IsOfNetworks(result.Shape))
            .GroupBy(result => (result.Work, result.Shape)))
        {
            var names = work.SelectMany(result => result.Ms.Keys).Distinct().ToList();
            text.AppendLine(CultureInfo.InvariantCulture, $"## {work.Key.Work} by K, {work.Key.Shape}, milliseconds").AppendLine();
            Header(text, "K", names);
            foreach (var row in work) Row(text, $"{row.Kernel}", names.Select(name => Find(row.Ms, name)));
            text.AppendLine();
        }

        Other(text, results, StageWorks.TimePerMac, "Time per MAC inside the map", result => $"{result.Model}, {result.Shape}");
        Other(text, results, StageLimits.Kept, "Memory", result => $"{result.Shape}, K={result.Kernel}");
        return text.ToString();
    }

    private static void Other(
        StringBuilder text, IReadOnlyList<RatioResult> results, string work, string title, Func<RatioResult, string> key)
    {
        var rows = results.Where(result => result.Work == work).ToList();
        if (rows.Count == 0) return;
        var names = rows.SelectMany(row => row.Other!.Keys).Distinct().ToList();
        text.AppendLine(CultureInfo.InvariantCulture, $"## {title}").AppendLine();
        Header(text, work, names);
        foreach (var row in rows) Row(text, key(row), names.Select(name => Find(row.Other!, name)));
        text.AppendLine();
    }

    private static double? Find(IReadOnlyDictionary<string, double> values, string name) =>
        values.TryGetValue(name, out var value) ? value : null;

    private static void Header(StringBuilder text, string first, IReadOnlyList<string> names)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"| {first} | {string.Join(" | ", names)} |");
        text.AppendLine(CultureInfo.InvariantCulture, $"|---|{string.Concat(names.Select(_ => "---:|"))}");
    }

    private static void Row(StringBuilder text, string first, IEnumerable<double?> values) => text.AppendLine(
        CultureInfo.InvariantCulture,
        $"| {first} | {string.Join(" | ", values.Select(value => value?.ToString("0.00", CultureInfo.InvariantCulture) ?? "–"))} |");
}
