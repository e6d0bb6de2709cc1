using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace XSepConv.Core.Tests.Documentation;

/// <summary>Tables and pictures of time against kernel size are those of the committed `ratios --kernels`.</summary>
public sealed partial class KernelFigureTests
{
    private static readonly (string Row, string Work, string Contestant)[] s_rows =
    [
        ("training step | depthwise of libtorch", "stage-train", "depthwise"),
        ("training step | depthwise on our kernels", "stage-train", "depthwise-fused"),
        ("training step | XSepConv of libtorch", "stage-train", "composed"),
        ("inference | depthwise of libtorch", "stage-eval", "depthwise"),
        ("inference | depthwise of ONNX Runtime", "stage-eval", "onnxruntime"),
        ("inference | depthwise on our kernels", "stage-eval", "depthwise-fused"),
        ("inference | XSepConv of libtorch", "stage-eval", "composed"),
    ];

    private static List<string> Results { get; } =
        [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "benchmarks", "results"), "kernels.json", SearchOption.AllDirectories).Select(File.ReadAllText)];

    private static string Pages { get; } =
        File.ReadAllText(Path.Combine(Repository.Root, "README.md")) + File.ReadAllText(Path.Combine(Repository.Root, "docs", "performance.md"));

    [Fact]
    public void A_table_is_that_of_committed_results()
    {
        var tables = Tables().Matches(Pages).Select(match => (Shape: match.Groups[1].Value, Text: match.Value)).ToList();

        Assert.Equal(Results.Count > 0, tables.Count > 0);
        Assert.All(tables, table => Assert.Contains(table.Text, Results.Select(json => Table(json, table.Shape))));
    }

    [Fact]
    public void A_picture_is_drawn_from_committed_results()
    {
        var sources = Results.Select(json => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json.ReplaceLineEndings("\n"))))).ToList();
        var pictures = Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs", "images"), "kernels*.png").ToList();

        Assert.Equal(Results.Count > 0, pictures.Count > 0);
        Assert.All(pictures, picture =>
        {
            Assert.Contains(Drawn().Match(Encoding.Latin1.GetString(File.ReadAllBytes(picture))).Groups[1].Value, sources);
            Assert.Contains($"docs/images/{Path.GetFileName(picture)}", Pages.Replace("](images/", "](docs/images/"));
        });
    }

    private static string Table(string json, string shape)
    {
        using var report = JsonDocument.Parse(json);
        var cases = report.RootElement.GetProperty("results").EnumerateArray()
            .Where(result => result.GetProperty("shape").GetString() == shape && result.GetProperty("work").GetString() is "stage-train" or "stage-eval").ToList();
        var kernels = cases.Select(result => result.GetProperty("kernel").GetInt32()).Distinct().Order().ToList();
        var text = $"| {shape} | × faster than | {string.Join(" | ", kernels.Select(kernel => $"K = {kernel}"))} |\n|---|---|{string.Concat(kernels.Select(_ => "---:|"))}\n";
        foreach (var (row, work, contestant) in s_rows)
        {
            var quotients = kernels.Select(kernel =>
            {
                var ms = cases.Single(result => result.GetProperty("kernel").GetInt32() == kernel && result.GetProperty("work").GetString() == work).GetProperty("ms");
                var quotient = ms.GetProperty(contestant).GetDouble() / ms.GetProperty("fused").GetDouble();
                return quotient.ToString(quotient < 9.95 ? "0.0" : "0", CultureInfo.InvariantCulture);
            });
            text += $"| {row} | {string.Join(" | ", quotients)} |\n";
        }

        return text;
    }

    [GeneratedRegex(@"^\| (\d+x\d+x\d+x\d+) \| × faster than \|.*\n(\|.*\n)+", RegexOptions.Multiline)]
    private static partial Regex Tables();

    [GeneratedRegex("tEXtSource\0kernels\\.json \\d+x\\d+x\\d+x\\d+ sha256:([0-9a-f]{64})")]
    private static partial Regex Drawn();
}
