namespace XSepConv.Training;

/// <summary>Writes the three forms of a report, each whole.</summary>
internal static class ReportFiles
{
    public static void Write(ComparisonFolder folder, ComparisonReport report)
    {
        AtomicFile.WriteAllText(folder.Json, JsonReport.Write(report));
        AtomicFile.WriteAllText(folder.Markdown, MarkdownReport.Write(report));

        // Last: who sees it can rely on the others.
        AtomicFile.WriteAllText(folder.Html, HtmlReport.Write(report));
    }
}
