using System.Globalization;
using System.Text;

namespace XSepConv.Training;

/// <summary><c>report.md</c>: the figures as text, to paste.</summary>
internal static class MarkdownReport
{
    public static string Write(ComparisonReport report)
    {
        var (manifest, data) = (report.Manifest, report.Manifest.Data);
        var text = new StringBuilder();
        Line($"# {report.Title}");
        Line();
        Line($"On {Cell(data.Name)}{(data.Synthetic ? ", synthetic" : "")}: {data.ClassNames.Count} classes, {data.Channels}×{data.Height}×{data.Width}, "
            + $"{ReportText.Whole(data.TrainImages)} images to train, {ReportText.Whole(data.ValidationImages)} to validate, {ReportText.Whole(data.TestImages)} to test; "
            + $"{ReportText.Count(manifest.Seeds, "seed")}, {ReportText.Count(manifest.Training.Recipe.Epochs, "epoch")} each.");
        Line();
        foreach (var line in report.Tests.Select(ReportText.Verdict).Concat(ReportText.Cautions(report))) Line($"- {Cell(line)}");
        Line();

        var ratio = report.Networks.Count == 2;
        Row(["", .. report.Networks.Select(network => network.Network.Label), .. ratio ? ["ratio"] : Array.Empty<string>()]);
        Row(["---", .. report.Networks.Select(_ => "---:"), .. ratio ? ["---:"] : Array.Empty<string>()], escape: false);
        foreach (var row in ReportTable.Of(report)) Row([row.Name, .. row.Cells, .. ratio ? [row.Ratio] : Array.Empty<string>()]);
        Line();

        Line("## Tests");
        Line();
        Row(["", "against", "points", "95 % interval", "t", "p"]);
        Row(["---", "---", "---:", "---:", "---:", "---:"], escape: false);
        foreach (var test in report.Tests)
        {
            var t = test.Top1.T is { } value ? string.Create(CultureInfo.InvariantCulture, $"{value:0.000}") : "–";
            Row([test.First.Network.Label, test.Second.Network.Label, ReportText.Points(test.Top1.Mean), ReportText.Interval(test.Top1), t, ReportText.P(test.Top1.P)]);
        }

        Line();
        foreach (var why in report.Tests.Select(test => test.Top1.WhyNot).OfType<string>().Distinct()) Line($"No test: {why}.");
        Line("Paired t-test over seeds, two-sided" + (report.Tests.Count > 1 ? "; the p-values are not corrected for there being several." : "."));
        Line();

        Line("## By seed");
        Line();
        Row(["seed", .. report.Networks.Select(network => network.Network.Label), .. report.Tests.Select(McNemarHead)]);
        Row(["---:", .. report.Networks.Select(_ => "---:"), .. report.Tests.Select(_ => "---:")], escape: false);
        for (var seed = 0; seed < manifest.Seeds; seed++)
        {
            Row([
                $"{seed}", .. report.Networks.Select(network => ReportText.Percent(network.Outcomes[seed].Test.Top1)),
                .. report.Tests.Select(test => ReportText.OnlyOne(test.Images[seed])),
            ]);
        }

        Line();
        Line("## How");
        Line();
        Line($"- `{new string([.. manifest.Command.Select(letter => letter == '`' ? '\'' : char.IsControl(letter) ? ' ' : letter)])}`");
        foreach (var (name, value) in manifest.Settings) Line($"- {Cell(name)}: {Cell(value)}");
        Line($"- measured on {Cell(report.Machine.Processor)}, {ReportText.Count(report.Machine.Cores, "core")}; {Cell(report.Machine.Versions)}; kernels {report.Machine.Kernel}; {ReportText.Runs(manifest)}; "
            + report.Machine.Time.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));
        return text.ToString();

        void Line(string line = "") => text.Append(line).Append('\n');
        void Row(IEnumerable<string> cells, bool escape = true) => Line($"| {string.Join(" | ", cells.Select(cell => escape ? Cell(cell) : cell))} |");
    }

    /// <summary>What heads the column of single images.</summary>
    public static string McNemarHead(DifferenceReport test) => $"only {test.First.Network.Label} : only {test.Second.Network.Label}";

    // What Markdown or HTML in it would take for its own.
    private static string Cell(string text)
    {
        var safe = new StringBuilder();
        foreach (var letter in text)
        {
            if (@"\`*_{}[]|#".Contains(letter, StringComparison.Ordinal)) safe.Append('\\');
            _ = letter switch
            {
                '<' => safe.Append("&lt;"),
                '>' => safe.Append("&gt;"),
                '&' => safe.Append("&amp;"),
                _ when char.IsControl(letter) => safe.Append(' '),
                _ => safe.Append(letter),
            };
        }

        return safe.ToString();
    }
}
