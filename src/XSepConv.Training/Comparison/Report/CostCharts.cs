using ScottPlot;

namespace XSepConv.Training;

/// <summary>Accuracy against what it costs: a colour an operator, and a line through the networks that no other of it beats.</summary>
internal static class CostCharts
{
    // No finer difference of top-1 fills a picture, in percentage points.
    private const double LeastPoints = 2;

    public static void Macs(Plot plot, ComparisonReport report, List<LegendEntry> legend)
    {
        foreach (var (family, color) in Families(report))
        {
            Points(plot, color, MarkerShape.FilledCircle, family, network => network.Macs / 1e6);
            legend.Add(new(family.Key, color.ToHex(), "dot"));
        }

        Axes(plot, "MACs of an image, millions", report.Networks.Max(network => network.Macs / 1e6));
    }

    /// <summary>In all three ways of running; of many networks, in the runtime alone.</summary>
    public static void Latency(Plot plot, ComparisonReport report, List<LegendEntry> legend)
    {
        List<double> times = [];
        foreach (var (family, color) in Families(report))
        {
            if (!report.IsGrid)
            {
                Series("libtorch alone", MarkerShape.OpenCircle, "ring", latency => latency.Libtorch);
                Series("module", MarkerShape.OpenSquare, "square", latency => latency.Module);
            }

            Series("runtime", MarkerShape.FilledCircle, "dot", latency => latency.Runtime);

            void Series(string where, MarkerShape shape, string mark, Func<Latency, double> of)
            {
                times.AddRange(family.Select(network => of(network.Measured.Latency)));
                Points(plot, color, shape, family, network => of(network.Measured.Latency));
                legend.Add(new($"{family.Key}, {where}", color.ToHex(), mark));
            }
        }

        Axes(plot, report.IsGrid ? "milliseconds in the runtime" : "milliseconds, one thread", times.Max());
    }

    public static void Training(Plot plot, ComparisonReport report, List<LegendEntry> legend)
    {
        foreach (var (family, color) in Families(report))
        {
            Points(plot, color, MarkerShape.FilledCircle, family, Seconds);
            legend.Add(new(family.Key, color.ToHex(), "dot"));
        }

        Axes(plot, "seconds of training, mean over seeds", report.Networks.Max(Seconds));

        static double Seconds(NetworkReport network) => Frontier.MeanTrainingSeconds(network)!.Value;
    }

    private static IEnumerable<(IGrouping<string, NetworkReport> Family, Color Color)> Families(ComparisonReport report) =>
        report.Networks.GroupBy(network => network.Network.Family)
            .Select((family, i) => (family, ReportCharts.Palette[i % ReportCharts.Palette.Length]));

    /// <summary>Means with their standard deviations, and a small dot for each seed.</summary>
    private static void Points(
        Plot plot, Color color, MarkerShape shape, IEnumerable<NetworkReport> networks, Func<NetworkReport, double> cost)
    {
        NetworkReport[] all = [.. networks];
        foreach (var network in all)
        {
            var x = cost(network);
            double[] places = [.. network.Top1.Values.Select(_ => x)], values = [.. network.Top1.Values.Select(value => 100 * value)];
            plot.Add.Markers(places, values, MarkerShape.FilledCircle, 5, color.WithAlpha(0.35));
            if (network.Top1.StandardDeviation is not { } deviation) continue;
            var bar = plot.Add.ErrorBar([x], [100 * network.Top1.Mean], [100 * deviation]);
            bar.Color = color.WithAlpha(0.6);
            bar.LineWidth = 1.5f;
        }

        var best = Frontier.Among(all, cost);
        if (best.Count > 1)
        {
            double[] costs = [.. best.Select(cost)], shares = [.. best.Select(network => 100 * network.Top1.Mean)];
            plot.Add.ScatterLine(costs, shares, color).LineWidth = 1.5f;
        }

        double[] xs = [.. all.Select(cost)], ys = [.. all.Select(network => 100 * network.Top1.Mean)];
        var marks = plot.Add.Markers(xs, ys, shape, 11, color);
        marks.MarkerStyle.LineColor = color;
        marks.MarkerStyle.LineWidth = 2;
    }

    /// <summary>What costs twice as much stands twice as far to the right.</summary>
    private static void Axes(Plot plot, string cost, double most)
    {
        plot.XLabel(cost);
        plot.YLabel("top-1 on test images, %");
        plot.Axes.AutoScale();
        plot.Axes.SetLimitsX(0, 1.15 * most);
        var (bottom, top) = (plot.Axes.GetLimits().Bottom, plot.Axes.GetLimits().Top);

        // Equal results need room around them too.
        var room = Math.Max(0, LeastPoints - (top - bottom)) / 2;
        plot.Axes.SetLimitsY(bottom - (0.15 * (top - bottom)) - room, top + (0.1 * (top - bottom)) + room);
        plot.HideLegend();
    }
}
