using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>Results for people and for programs.</summary>
internal static class RatioText
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>One case while it runs.</summary>
    public static string Line(RatioResult result)
    {
        var times = string.Join(
            "  ", result.Ms.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {pair.Value:0.000} ms")));
        var ratios = string.Join(
            "  ", result.Ratio.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {pair.Value:0.00}")));
        var other = result.Other is null ? ""
            : string.Join("  ", result.Other.Select(pair => $"{pair.Key} {Number(pair.Value)}"));
        var memory = result.Memory is null ? "" : "peak of a step " + string.Join(
            "  ", result.Memory.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {pair.Value / 1e6:0.0} MB")));
        var figures = $"{times}  {ratios}  {memory}  {other}".Replace("  ", " ", StringComparison.Ordinal).Trim();
        return $"{result.Work} {result.Model} {result.Shape} {(result.Kernel is { } k ? $"K={k}" : "")}: {figures}";
    }

    /// <summary>Geometric means over shapes, a row for each work, model, batch and K.</summary>
    public static string Tables(RatioReport report)
    {
        var text = new StringBuilder();
        foreach (var work in report.Results.Where(result => result.Ratio.Count > 0).GroupBy(result => (result.Work, result.Threads)))
        {
            var names = work.SelectMany(result => result.Ratio.Keys).Distinct().ToList();
            text.AppendLine(CultureInfo.InvariantCulture,
                $"## {work.Key.Work}{(work.Key.Threads == 1 ? "" : $", {work.Key.Threads} threads")}").AppendLine();
            text.AppendLine(CultureInfo.InvariantCulture, $"| model | batch | K | {string.Join(" | ", names)} |");
            text.AppendLine(CultureInfo.InvariantCulture, $"|---|---:|---:|{string.Concat(names.Select(_ => "---:|"))}");
            foreach (var row in work.GroupBy(result => (result.Model, Batch: result.Shape.Split('x')[0], result.Kernel)))
            {
                var cells = names.Select(name => Mean(row, name) is { } mean ? mean.ToString("0.00", CultureInfo.InvariantCulture) : "–");
                text.AppendLine(
                    CultureInfo.InvariantCulture, $"| {row.Key.Model ?? "–"} | {row.Key.Batch} | "
                    + $"{row.Key.Kernel?.ToString(CultureInfo.InvariantCulture) ?? "–"} | {string.Join(" | ", cells)} |");
            }

            text.AppendLine();
        }

        return text.Append(KernelTables.Of(report.Results)).Append(RooflineTable.Of(report.Results)).ToString();
    }

    /// <summary>What <see cref="Write"/> wrote.</summary>
    public static RatioReport Read(string json) => JsonSerializer.Deserialize<RatioReport>(File.ReadAllText(json), s_json)!;

    /// <summary>The JSON file, and the Markdown file beside it.</summary>
    public static void Write(RatioReport report, FileInfo json, IReadOnlyList<string> only, RatioSettings settings)
    {
        json.Directory?.Create();
        File.WriteAllText(json.FullName, JsonSerializer.Serialize(report, s_json).ReplaceLineEndings("\n") + "\n");
        File.WriteAllText(Path.ChangeExtension(json.FullName, ".md"), Markdown(report, json.Name, only, settings).ReplaceLineEndings("\n"));
    }

    private static string Markdown(RatioReport report, string file, IReadOnlyList<string> only, RatioSettings settings)
    {
        var text = new StringBuilder("# Ratios\n\n");
        text.AppendLine(
            "Contestants interleaved in one process, each checked against float64 before it was timed; quotients of medians, geometric "
            + "means over shapes. Above 1, the right one is faster.").AppendLine();
        if (report.Results.Any(result => result.Memory is not null))
        {
            text.AppendLine(
                "`memory` is composed/fused of the highest resident memory during a step, beyond weights, momenta and batch; "
                + "`threads` is one thread/two.").AppendLine();
        }

        foreach (var line in report.Versions) text.AppendLine(CultureInfo.InvariantCulture, $"- {line}");
        var arguments = (only.Count == 0 ? "" : $" --only {string.Join(' ', only)}")
            + (settings.Kernels.Count == 0 ? "" : $" --kernels {string.Join(',', settings.Kernels)}")
            + (settings.Maps.SequenceEqual(StageMap.Large) ? "" : $" --maps {string.Join(',', settings.Maps.Select(map => map.Shape))}")
            + (settings.Stride == 1 ? "" : $" --stride {settings.Stride}")
            + (settings.OnCuda ? " --device cuda" : "")
            + (settings.Libtorch is { } libtorch ? $" --libtorch '{libtorch}'" : "")
            + (report.Threads == 1 ? "" : $" --threads {report.Threads}")
            + string.Create(CultureInfo.InvariantCulture, $" --seconds {settings.Seconds}");
        text.AppendLine(CultureInfo.InvariantCulture,
            $"- `dotnet run -c Release --project benchmarks/XSepConv.Benchmarks -- ratios{arguments} --json {file}`").AppendLine();
        text.Append(Tables(report));
        text.AppendLine("## Every case").AppendLine();
        foreach (var result in report.Results) text.AppendLine(CultureInfo.InvariantCulture, $"- {Line(result)}");
        return text.ToString();
    }

    private static string Number(double value) =>
        value.ToString(value is 0 or >= 0.01 ? "0.###" : "0.0e+0", CultureInfo.InvariantCulture);

    private static double? Mean(IEnumerable<RatioResult> rows, string name)
    {
        var logs = rows.Where(row => row.Ratio.ContainsKey(name)).Select(row => Math.Log(row.Ratio[name])).ToList();
        return logs.Count == 0 ? null : Math.Exp(logs.Average());
    }
}
