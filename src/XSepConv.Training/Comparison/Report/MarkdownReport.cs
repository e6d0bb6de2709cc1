using System.Text;

namespace XSepConv.Training;

/// <summary><c>report.md</c>: the figures as text, to paste.</summary>
internal static class MarkdownReport
{
    public static string Write(ComparisonReport report)
    {
        var text = new StringBuilder();
        Line($"# {report.Title}");
        Line();
        Line($"On {Cell(ReportText.Subject(report))}");
        Line();
        foreach (var line in Frontier.Of(report).Select(ReportText.Unbeaten)) Line($"- {Cell(line)}");
        foreach (var line in ReportText.Verdicts(report).Concat(ReportText.Cautions(report))) Line($"- {Cell(line)}");
        Line();
        foreach (var table in ReportTable.Figures(report)) Table(table);
        Head("Tests");
        Table(ReportTable.Tests(report));
        foreach (var line in ReportText.AboutTests(report)) Line(Cell(line));
        Line();
        Head("By seed");
        Table(ReportTable.Seeds(report));
        Head("How");
        var command = report.Manifest.Command.Select(letter => letter == '`' ? '\'' : char.IsControl(letter) ? ' ' : letter);
        Line($"- `{string.Concat(command)}`");
        foreach (var (name, value) in report.Manifest.Settings) Line($"- {Cell(name)}: {Cell(value)}");
        Line($"- measured {Cell(ReportText.Measured(report))}");
        return text.ToString();

        void Line(string line = "") => text.Append(line).Append('\n');
        void Head(string head) => Line($"## {head}\n");
        void Row(IEnumerable<string> cells) => Line($"| {string.Join(" | ", cells)} |");
        void Table(ReportTable table)
        {
            Row(table.Heads.Prepend(table.Corner).Select(Cell));
            Row(table.Heads.Select(_ => "---:").Prepend("---"));
            foreach (var row in table.Rows) Row(row.Cells.Prepend(row.Name).Select(Cell));
            Line();
        }
    }

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
