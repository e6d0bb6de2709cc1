using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace XSepConv.Training;

/// <summary>
/// <c>report.html</c>: one file that asks for nothing else, for a desk and for a telephone, light and dark. What a clock or the system said
/// stands in elements with the attribute <c>data-measured</c>.
/// </summary>
internal sealed class HtmlReport(ComparisonReport report)
{
    private const string Measured = " data-measured";
    private const int HashDigits = 16;

    // Letters stay letters; what HTML reads (< > & " ' and controls) is always escaped, whatever is allowed.
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    private readonly StringBuilder text = new();

    /// <summary>The page; without pictures, and saying so, where they can't be drawn.</summary>
    public static string Write(ComparisonReport report)
    {
        var (charts, problem) = Drawing.Try(() => ReportCharts.Draw(report));
        return new HtmlReport(report).Page(charts ?? [], problem);
    }

    internal string Page(IReadOnlyList<ReportChart> charts, string problem)
    {
        Line("<!DOCTYPE html>");
        Line("<html lang=\"en\">");
        Line("<head>");
        Line("<meta charset=\"utf-8\">");
        Line("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        Line($"<title>{E(report.Title)}</title>");
        Line($"<style>\n{Style()}</style>");
        Line("</head>");
        Line("<body>\n<main>");
        Head();
        Figures();
        Charts([.. charts.Where(chart => chart.Width != chart.Height)], problem);
        Tests();
        Seeds();
        if (charts.Any(chart => chart.Width == chart.Height))
        {
            Line("<h2>Confusion</h2>");
            Quiet("A row a class: of its test images, the share in percent that was taken for each class, all seeds together.");
        }

        Charts([.. charts.Where(chart => chart.Width == chart.Height)], "");
        How();
        Line("</main>\n</body>\n</html>");
        return text.ToString();
    }

    private void Head()
    {
        Line($"<h1>{E(report.Title)}</h1>");
        Line($"<p class=\"quiet\">{E(ReportText.Subject(report))}</p>");
        Line("<div class=\"verdicts\">");
        foreach (var frontier in Frontier.Of(report))
        {
            Line($"<p{(frontier.Measured ? Measured : "")}>{E(ReportText.Unbeaten(frontier))}</p>");
        }

        foreach (var verdict in ReportText.Verdicts(report))
        {
            Line($"<p>{E(verdict).Replace("top-1", "top\u20111", StringComparison.Ordinal)}</p>");
        }

        foreach (var caution in ReportText.Cautions(report)) Line($"<p class=\"caution\">{E(caution)}</p>");
        Line("</div>");
    }

    private void Figures()
    {
        Line("<h2>Figures</h2>");
        foreach (var table in ReportTable.Figures(report)) Table(table);
        Quiet(
            "Top-1 and cross-entropy: mean ± standard deviation over the seeds, on test images that were looked at once, "
            + "with the weights of the epoch that validated best. Latency: one image, one thread, median, all networks in turns; "
            + "libtorch is the module with every layer an operator of libtorch, the module is as it is: it "
            + "runs compiled, once it has looked for changed weights; the runtime works without libtorch. "
            + "Memory: the largest resident size of a run's own process until the end of its first epoch’s training.");
    }

    private void Charts(IReadOnlyList<ReportChart> charts, string problem)
    {
        if (problem.Length > 0) Line($"<p>{E(problem)}</p>");
        if (charts.Count == 0) return;
        Line("<div class=\"figures\" style=\"margin-top:1.6rem\">");
        foreach (var chart in charts)
        {
            Line($"<figure{(chart.Measured ? Measured : "")}><figcaption>{E(chart.Title)}</figcaption><picture>"
                + $"<source media=\"(prefers-color-scheme: dark)\" srcset=\"{Picture(chart.Dark)}\">"
                + $"<img src=\"{Picture(chart.Light)}\" width=\"{chart.Width}\" height=\"{chart.Height}\" "
                + $"alt=\"{E(chart.Title)}\"></picture>{Legend(chart.Legend)}</figure>");
        }

        Line("</div>");

        static string Legend(IReadOnlyList<LegendEntry> entries) =>
            entries.Count == 0 ? "" : $"<ul>{string.Concat(entries.Select(Entry))}</ul>";
        static string Entry(LegendEntry entry) =>
            $"<li><i class=\"{E(entry.Mark)}\" style=\"color:{E(entry.Color)}\"></i>{E(entry.Name)}</li>";
        static string Picture(byte[] png) => $"data:image/png;base64,{Convert.ToBase64String(png)}";
    }

    private void Tests()
    {
        Line("<h2>Paired test over seeds</h2>");
        Table(ReportTable.Tests(report));
        foreach (var line in ReportText.AboutTests(report)) Quiet(line);
    }

    private void Seeds()
    {
        Line("<h2>By seed</h2>");
        Table(ReportTable.Seeds(report));
        Quiet(
            "The last columns count test images that only one of the two networks gets right (McNemar’s exact test: "
            + "whether these two trained networks differ, not whether another seed’s would).");
    }

    /// <summary>In a frame that scrolls where the screen is narrow.</summary>
    private void Table(ReportTable table)
    {
        Line("<div class=\"wide\"><table>");
        Line($"<thead><tr><th>{E(table.Corner)}</th>{Cells("th", table.Heads)}</tr></thead>\n<tbody>");
        foreach (var row in table.Rows)
        {
            Line($"<tr{(row.Measured ? Measured : "")}><th scope=\"row\">{E(row.Name)}</th>{Cells("td", row.Cells)}</tr>");
        }

        Line("</tbody></table></div>");
    }

    private void Quiet(string paragraph) => Line($"<p class=\"quiet\">{E(paragraph)}</p>");

    private void How()
    {
        Line($"<h2>How it was made</h2>\n<pre>{E(report.Manifest.Command)}</pre>\n<dl>");
        var settings = report.Manifest.Settings.ToLookup(setting => HasHash(setting.Value));
        foreach (var (name, value) in settings[false]) Setting(name, value);
        Line("</dl>");
        if (settings[true].Any())
        {
            Line("<details><summary>What was hashed: networks and images</summary>\n<dl>");
            foreach (var (name, value) in settings[true]) Setting(name, value);
            Line("</dl></details>");
        }

        Line($"<p class=\"quiet\"{Measured}>{E(ReportText.Measured(report))}.</p>");
    }

    private void Setting(string name, string value) => Line($"<div><dt>{E(name)}</dt><dd>{E(value)}</dd></div>");

    private static bool HasHash(string value) =>
        value.Length >= HashDigits && value[^HashDigits..].All(char.IsAsciiHexDigitLower);

    private static string Cells(string element, IEnumerable<string> cells) =>
        string.Concat(cells.Select(cell => $"<{element}>{E(cell)}</{element}>"));

    private static string E(string text) => Encoder.Encode(text);

    private static string Style()
    {
        using var stream = typeof(HtmlReport).Assembly.GetManifestResourceStream("report.css")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private void Line(string line) => text.Append(line).Append('\n');
}
