using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace XSepConv.Core.Tests.Documentation;

/// <summary>Tables and pictures of time against kernel size are those of the `ratios --kernels` that they name.</summary>
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

    private static string Page { get; } = File.ReadAllText(Path.Combine(Repository.Root, "docs", "performance.md"));

    private static List<string> Pictures { get; } =
        [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs", "images"), "kernels*.png").Select(path => Path.GetFileName(path))];

    [Fact]
    public void A_table_is_that_of_the_results_it_links_to()
    {
        var tables = Tables().Matches(Page).ToList();

        Assert.NotEmpty(tables);
        Assert.DoesNotMatch(Tables(), File.ReadAllText(Path.Combine(Repository.Root, "README.md")));
        Assert.All(tables, table =>
        {
            var (json, words) = Results(after: table.Index + table.Length);
            Assert.Equal(Table(json, table.Groups[1].Value), table.Value);

            // Between table and link stands the machine; model 17 is not model 1.
            using var report = JsonDocument.Parse(json);
            Assert.Matches(Regex.Escape(report.RootElement.GetProperty("machine").GetString()!) + @"\b", words);
        });
    }

    [Fact]
    public void A_picture_is_drawn_from_the_results_that_the_table_below_it_links_to()
    {
        Assert.NotEmpty(Pictures);
        Assert.All(Pictures, picture =>
        {
            var shown = Page.IndexOf($"](images/{picture})", StringComparison.Ordinal);
            Assert.True(shown >= 0, $"{picture} is not in docs/performance.md.");
            var hash = SHA256.HashData(Encoding.UTF8.GetBytes(Results(after: shown).Json.ReplaceLineEndings("\n")));
            var file = Encoding.Latin1.GetString(File.ReadAllBytes(Path.Combine(Repository.Root, "docs", "images", picture)));
            Assert.Equal(Convert.ToHexStringLower(hash), Drawn().Match(file).Groups[1].Value);
        });
    }

    /// <summary>The results that the next link leads to, and what stands before it.</summary>
    private static (string Json, string Words) Results(int after)
    {
        var link = Links().Match(Page, after);
        Assert.True(link.Success, "No results are linked to.");
        return (File.ReadAllText(Path.Combine(Repository.Root, "docs", link.Groups[1].Value + ".json")), Page[after..link.Index]);
    }

    private static string Table(string json, string shape)
    {
        using var report = JsonDocument.Parse(json);
        var cases = report.RootElement.GetProperty("results").EnumerateArray()
            .Where(result => result.GetProperty("shape").GetString() == shape && result.GetProperty("work").GetString() is "stage-train" or "stage-eval").ToList();
        var kernels = cases.Select(result => result.GetProperty("kernel").GetInt32()).Distinct().Order().ToList();
        var text = $"| {shape} | × as fast as | {string.Join(" | ", kernels.Select(kernel => $"K = {kernel}"))} |\n"
            + $"|---|---|{string.Concat(kernels.Select(_ => "---:|"))}\n";
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

    [GeneratedRegex(@"^\| (\d+x\d+x\d+x\d+) \| × as fast as \|.*\n(\|.*\n)+", RegexOptions.Multiline)]
    private static partial Regex Tables();

    [GeneratedRegex(@"\]\((\.\./benchmarks/results/[^)#]+/kernels)\.md\)")]
    private static partial Regex Links();

    [GeneratedRegex("tEXtSource\0kernels\\.json \\d+x\\d+x\\d+x\\d+ sha256:([0-9a-f]{64})")]
    private static partial Regex Drawn();
}
