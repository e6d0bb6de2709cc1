using ScottPlot;

namespace XSepConv.Training;

/// <summary><c>frontier.png</c>: accuracy against each cost, side by side, to show somewhere else.</summary>
internal static class FrontierPicture
{
    private const int Height = 340;

    public static byte[] Draw(ComparisonReport report)
    {
        List<Action<Plot>> costs = [plot => CostCharts.Latency(plot, report, []), plot => Next(plot, CostCharts.Macs)];
        if (report.HasTrainingTimes) costs.Insert(1, plot => Next(plot, CostCharts.Training));
        return PlotSheet.Draw(
            Height, costs, [("Accuracy against cost, up and left is better: ", PlotSheet.Ink), .. Names(report)],
            ReportText.Subject(report), 11);

        void Next(Plot plot, Action<Plot, ComparisonReport, List<LegendEntry>> draw)
        {
            draw(plot, report, []);
            plot.YLabel("");
        }
    }

    private static IEnumerable<(string Text, Color Color)> Names(ComparisonReport report) =>
        report.Networks.Select(network => network.Network.Family).Distinct()
            .Select((family, i) => ($"{(i == 0 ? "" : "  ")}● {family}", ReportCharts.Palette[i % ReportCharts.Palette.Length]));
}
