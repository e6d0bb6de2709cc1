using System.Globalization;
using System.Text;

namespace XSepConv.Training;

/// <summary>
/// <c>report.html</c>: one file that asks for nothing else, for a desk and for a telephone, light and dark. What a clock or the system said stands in
/// elements with the attribute <c>data-measured</c>.
/// </summary>
internal sealed class HtmlReport
{
    private const string Measured = " data-measured";
    private const int HashDigits = 16;

    private readonly ComparisonReport report;
    private readonly StringBuilder text = new();

    private HtmlReport(ComparisonReport report) => this.report = report;

    /// <summary>The page; without pictures, and saying so, where they can't be drawn.</summary>
    public static string Write(ComparisonReport report)
    {
        IReadOnlyList<ReportChart> charts = [];
        var problem = "";
        try
        {
            charts = ReportCharts.Draw(report);
            if (!ReportCharts.HasFont) problem = "The pictures have no text: no font is installed here.";
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or BadImageFormatException or EntryPointNotFoundException)
        {
            // The graphics library is native, and not there for every system.
            problem = $"There are no pictures: they can't be drawn here ({(e.InnerException ?? e).Message}).";
        }

        return new HtmlReport(report).Page(charts, problem);
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
        if (charts.Count > 0) Line("<h2>Confusion</h2>\n<p class=\"quiet\">A row a class: of its test images, the share in percent that was taken for each class, all seeds together.</p>");
        Charts([.. charts.Where(chart => chart.Width == chart.Height)], "");
        How();
        Line("</main>\n</body>\n</html>");
        return text.ToString();
    }

    private void Head()
    {
        var (manifest, data) = (report.Manifest, report.Manifest.Data);
        Line($"<h1>{E(report.Title)}</h1>");
        Line($"<p class=\"quiet\">{E(data.Name)}{(data.Synthetic ? ", synthetic" : "")}: {data.ClassNames.Count} classes, {data.Channels}×{data.Height}×{data.Width}, "
            + $"{ReportText.Whole(data.TrainImages)} images to train, {ReportText.Whole(data.ValidationImages)} to validate, {ReportText.Whole(data.TestImages)} to test. "
            + $"{ReportText.Count(manifest.Seeds, "seed")}, {ReportText.Count(manifest.Training.Recipe.Epochs, "epoch")} each.</p>");
        Line("<div class=\"verdicts\">");
        foreach (var test in report.Tests) Line($"<p>{E(ReportText.Verdict(test)).Replace("top-1", "top\u20111", StringComparison.Ordinal)}</p>");
        foreach (var caution in ReportText.Cautions(report)) Line($"<p class=\"caution\">{E(caution)}</p>");
        Line("</div>");
    }

    private void Figures()
    {
        var ratio = report.Networks.Count == 2;
        Line("<h2>Figures</h2>\n<div class=\"wide\"><table>");
        Line($"<thead><tr><th></th>{Cells("th", report.Networks.Select(network => network.Network.Label))}{(ratio ? "<th>ratio</th>" : "")}</tr></thead>\n<tbody>");
        var first = true;
        foreach (var row in ReportTable.Of(report))
        {
            Line($"<tr{(first ? " class=\"main\"" : "")}{(row.Measured ? Measured : "")}><th scope=\"row\">{E(row.Name)}</th>{Cells("td", row.Cells)}{(ratio ? $"<td>{E(row.Ratio)}</td>" : "")}</tr>");
            first = false;
        }

        Line("</tbody></table></div>");
        Line("<p class=\"quiet\">Top-1 and cross-entropy: mean ± standard deviation over the seeds, on test images that were looked at once, with the weights of the epoch that validated best. "
            + "Latency: one image, one thread, median, all networks in turns; libtorch is the module with every layer an operator of libtorch, "
            + "the fused module has our kernels in libtorch, the runtime works without libtorch. Memory: the largest resident size of a run's own process until the end of its first epoch’s training.</p>");
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
                + $"<img src=\"{Picture(chart.Light)}\" width=\"{chart.Width}\" height=\"{chart.Height}\" alt=\"{E(chart.Title)}\"></picture>{Legend(chart.Legend)}</figure>");
        }

        Line("</div>");

        static string Legend(IReadOnlyList<LegendEntry> entries) => entries.Count == 0 ? ""
            : $"<ul>{string.Concat(entries.Select(entry => $"<li><i class=\"{E(entry.Mark)}\" style=\"color:{E(entry.Color)}\"></i>{E(entry.Name)}</li>"))}</ul>";
        static string Picture(byte[] png) => $"data:image/png;base64,{Convert.ToBase64String(png)}";
    }

    private void Tests()
    {
        Line("<h2>Paired test over seeds</h2>\n<div class=\"wide\"><table>");
        Line($"<thead><tr><th></th>{Cells("th", ["against", "points", "95 % interval", "t", "p"])}</tr></thead>\n<tbody>");
        foreach (var test in report.Tests)
        {
            var t = test.Top1.T is { } value ? string.Create(CultureInfo.InvariantCulture, $"{value:0.000}") : "–";
            Line($"<tr><th scope=\"row\">{E(test.First.Network.Label)}</th>{Cells("td", [test.Second.Network.Label, ReportText.Points(test.Top1.Mean), ReportText.Interval(test.Top1), t, ReportText.P(test.Top1.P)])}</tr>");
        }

        Line("</tbody></table></div>");
        foreach (var why in report.Tests.Select(test => test.Top1.WhyNot).OfType<string>().Distinct()) Line($"<p>No test: {E(why)}.</p>");
        Line("<p class=\"quiet\">Differences of test top-1 in percentage points; two-sided t-test of pairs with the same seed"
            + $"{(report.Tests.Count > 1 ? "; the p-values are not corrected for there being several" : "")}.</p>");
    }

    private void Seeds()
    {
        Line("<h2>By seed</h2>\n<div class=\"wide\"><table>");
        Line($"<thead><tr><th>seed</th>{Cells("th", [.. report.Networks.Select(network => network.Network.Label), .. report.Tests.Select(MarkdownReport.McNemarHead)])}</tr></thead>\n<tbody>");
        for (var seed = 0; seed < report.Manifest.Seeds; seed++)
        {
            var at = seed;
            Line($"<tr><th scope=\"row\">{seed}</th>{Cells("td", [
                .. report.Networks.Select(network => ReportText.Percent(network.Outcomes[at].Test.Top1)),
                .. report.Tests.Select(test => ReportText.OnlyOne(test.Images[at])),
            ])}</tr>");
        }

        Line("</tbody></table></div>");
        Line("<p class=\"quiet\">The last columns count test images that only one of the two networks gets right (McNemar’s exact test: whether these two trained networks differ, not whether another seed’s would).</p>");
    }

    private void How()
    {
        var machine = report.Machine;
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

        Line($"<p class=\"quiet\"{Measured}>{E(machine.Time.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture))}, {E(machine.Processor)}, {ReportText.Count(machine.Cores, "core")}, "
            + $"{E(machine.System)}; {E(machine.Versions)}; kernels {E(machine.Kernel)}; {ReportText.Runs(report.Manifest)}.</p>");
    }

    private void Setting(string name, string value) => Line($"<div><dt>{E(name)}</dt><dd>{E(value)}</dd></div>");

    /// <summary>Whether sixteen hexadecimal digits stand at its end.</summary>
    private static bool HasHash(string value) =>
        value.Length >= HashDigits && value[^HashDigits..].All(char.IsAsciiHexDigitLower);

    private static string Cells(string element, IEnumerable<string> cells) => string.Concat(cells.Select(cell => $"<{element}>{E(cell)}</{element}>"));

    private static string E(string text) => HtmlText.Escape(text);

    private static string Style()
    {
        using var stream = typeof(HtmlReport).Assembly.GetManifestResourceStream("report.css")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private void Line(string line) => text.Append(line).Append('\n');
}
