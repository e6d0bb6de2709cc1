namespace XSepConv.Training;

/// <summary>A row of a table.</summary>
/// <param name="Cells">As many as the table has heads.</param>
/// <param name="Measured">Whether a clock or the system said it, so that another time it would be another.</param>
internal sealed record ReportRow(string Name, IReadOnlyList<string> Cells, bool Measured = false);

/// <summary>A table of a report, for the screen, Markdown and HTML alike.</summary>
/// <param name="Corner">What heads the rows' names.</param>
internal sealed record ReportTable(string Corner, IReadOnlyList<string> Heads, IReadOnlyList<ReportRow> Rows)
{
    // More columns do not fit a page.
    private const int MostColumns = 6;

    /// <summary>
    /// A column a network; where there are two, their ratios too. Many networks have a row each, in a table of what was counted and one of
    /// what was measured.
    /// </summary>
    public static IReadOnlyList<ReportTable> Figures(ComparisonReport report)
    {
        var figures = Columns(report);
        return figures.Heads.Count <= MostColumns ? [figures]
            : [.. figures.Rows.GroupBy(row => row.Measured).Select(rows => (figures with { Rows = [.. rows] }).Turned(rows.Key))];
    }

    private static ReportTable Columns(ComparisonReport report)
    {
        var networks = report.Networks;
        var hasRatio = networks.Count == 2;
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
            Bytes("peak memory in training", measured => measured.PeakBytes),
            Bytes("of it, by training", measured => measured.TrainingBytes),
            Timed("images/s in training", measured => measured.ImagesPerSecond, ReportText.PerSecond),
            Timed("cores a run had", measured => measured.Cores, ReportText.Cores),
            Latency("libtorch", latency => latency.Libtorch),
            Latency("module", latency => latency.Module),
            Latency("runtime", latency => latency.Runtime),
        ]);
        return new("", [.. Labels(report), .. hasRatio ? ["ratio"] : Array.Empty<string>()], rows);

        ReportRow Row(string name, Func<NetworkReport, string> cell, Func<NetworkReport, double?>? value = null)
        {
            var ratio = value is null ? "" : ReportText.Ratio(value(networks[0]), value(networks[^1]));
            return new(name, [.. networks.Select(cell), .. hasRatio ? [ratio] : Array.Empty<string>()]);
        }

        ReportRow Timed(string name, Func<NetworkMeasurements, double?> value, Func<double?, string> text) =>
            Row(name, network => text(value(network.Measured)), network => value(network.Measured)) with { Measured = true };
        ReportRow Bytes(string name, Func<NetworkMeasurements, long?> value) =>
            Timed(name, measured => value(measured), bytes => ReportText.Megabytes((long?)bytes));
        ReportRow Latency(string where, Func<Latency, double> value) =>
            Timed($"latency, {where}", measured => value(measured.Latency), time => ReportText.Milliseconds(time!.Value));
    }

    /// <summary>A row for each network that is tested against another.</summary>
    public static ReportTable Tests(ComparisonReport report) => new("", ["against", "points", "95 % interval", "t", "p"],
    [
        .. report.Tests.Select(test => new ReportRow(test.First.Network.Label,
        [
            test.Second.Network.Label, ReportText.Points(test.Top1.Mean), ReportText.Interval(test.Top1), ReportText.T(test.Top1.T),
            ReportText.P(test.Top1.P),
        ])),
    ]);

    /// <summary>
    /// A row a seed, or a column where there are many networks: top-1 of each network, and the images that only one of two gets right.
    /// </summary>
    public static ReportTable Seeds(ComparisonReport report) =>
        RowsOfSeeds(report) is var seeds && seeds.Heads.Count <= MostColumns ? seeds : seeds.Turned(measured: false);

    /// <summary>Rows become columns.</summary>
    private ReportTable Turned(bool measured) => new(
        Corner, [.. Rows.Select(row => Corner.Length > 0 ? $"{Corner} {row.Name}" : row.Name)],
        [.. Heads.Select((head, i) => new ReportRow(head, [.. Rows.Select(row => row.Cells[i])], measured))]);

    private static ReportTable RowsOfSeeds(ComparisonReport report) => new(
        "seed",
        [.. Labels(report), .. report.Tests.Select(test => $"only {test.First.Network.Label} : only {test.Second.Network.Label}")],
        [
            .. Enumerable.Range(0, report.Manifest.Seeds).Select(seed => new ReportRow($"{seed}",
            [
                .. report.Networks.Select(network => ReportText.Percent(network.Outcomes[seed].Test.Top1)),
                .. report.Tests.Select(test => ReportText.OnlyOne(test.Images[seed])),
            ])),
        ]);

    private static IEnumerable<string> Labels(ComparisonReport report) => report.Networks.Select(network => network.Network.Label);
}
