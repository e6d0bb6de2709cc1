namespace XSepConv.Training;

/// <summary>A row of a table: what, and a text for each network.</summary>
/// <param name="Name">What is told.</param>
/// <param name="Cells">For each network.</param>
/// <param name="Ratio">The first network's by the second's, where there are two and that says something.</param>
/// <param name="Measured">Whether a clock or the system said it, so that another time it would be another.</param>
internal sealed record ReportRow(string Name, IReadOnlyList<string> Cells, string Ratio, bool Measured);

/// <summary>The figures of a report in rows, for the screen, Markdown and HTML alike.</summary>
internal static class ReportTable
{
    public static IReadOnlyList<ReportRow> Of(ComparisonReport report)
    {
        var networks = report.Networks;
        List<ReportRow> rows =
        [
            Row("top-1 on test images", network => ReportText.Percent(network.Top1)),
            Row("cross-entropy", network => ReportText.Loss(network.Loss)),
            Row("parameters", network => ReportText.Whole(network.Parameters), network => network.Parameters),
            Row("MACs of an image", network => ReportText.Whole(network.Macs), network => network.Macs),
        ];
        if (report.Manifest.Kind == "ablate") rows.Add(Row("shift left over", network => ReportText.Shift(network.Shift)));
        rows.AddRange(
        [
            Timed("peak memory in training", network => ReportText.Megabytes(network.Measured.PeakBytes), network => network.Measured.PeakBytes),
            Timed("of it, by training", network => ReportText.Megabytes(network.Measured.TrainingBytes), network => network.Measured.TrainingBytes),
            Timed("images/s in training", network => ReportText.PerSecond(network.Measured.ImagesPerSecond), network => network.Measured.ImagesPerSecond),
            Timed("latency, libtorch", network => ReportText.Milliseconds(network.Measured.Latency.Libtorch), network => network.Measured.Latency.Libtorch),
            Timed("latency, fused module", network => ReportText.Milliseconds(network.Measured.Latency.Module), network => network.Measured.Latency.Module),
            Timed("latency, runtime", network => ReportText.Milliseconds(network.Measured.Latency.Runtime), network => network.Measured.Latency.Runtime),
        ]);
        return rows;

        ReportRow Row(string name, Func<NetworkReport, string> cell, Func<NetworkReport, double?>? value = null) => new(
            name, [.. networks.Select(cell)], networks.Count == 2 && value is not null ? ReportText.Ratio(value(networks[0]), value(networks[1])) : "", Measured: false);
        ReportRow Timed(string name, Func<NetworkReport, string> cell, Func<NetworkReport, double?> value) => Row(name, cell, value) with { Measured = true };
    }
}
