using System.Globalization;
using ScottPlot;
using SkiaSharp;

namespace XSepConv.Training;

/// <summary>A picture of the report, for light and for dark pages.</summary>
/// <param name="Measured">Whether it shows times.</param>
/// <param name="Legend">What its marks and lines stand for; drawn by the page, which has room for it on every screen.</param>
internal sealed record ReportChart(
    string Title, byte[] Light, byte[] Dark, int Width, int Height, bool Measured, IReadOnlyList<LegendEntry> Legend);

/// <summary>An entry of a legend.</summary>
/// <param name="Color">As CSS writes it.</param>
/// <param name="Mark"><c>dot</c>, <c>ring</c>, <c>square</c>, <c>line</c> or <c>dashes</c>.</param>
internal sealed record LegendEntry(string Name, string Color, string Mark);

/// <summary>Draws the pictures of a report.</summary>
internal static class ReportCharts
{
    // As wide as a telephone's page and a little more, so that the text stays readable there.
    private const int Width = 460;
    private const int Height = 310;

    // A page's pixel is two of the picture's: sharp on telephones too.
    private const int Density = 2;

    // Okabe and Ito's colours, told apart by everyone.
    internal static readonly Color[] Palette =
        [.. new[] { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00" }.Select(hex => Color.FromHex(hex))];

    // More lines than colours can't be told apart.
    private static readonly int MostCurves = Palette.Length;

    private sealed record Theme(Color Page, Color Ink, Color Grid)
    {
        public static Theme Light { get; } = new(Color.FromHex("#ffffff"), Color.FromHex("#24292f"), Color.FromHex("#e4e7eb"));

        public static Theme Dark { get; } = new(Color.FromHex("#1b1f24"), Color.FromHex("#d5dae0"), Color.FromHex("#343b44"));
    }

    /// <summary>A sans-serif font of this system, like the page's; null for whatever is there.</summary>
    internal static string? Font { get; } =
        new[] { "Inter", "Noto Sans", "DejaVu Sans", "Liberation Sans", "Segoe UI", "Helvetica", "Arial" }
        .FirstOrDefault(SKFontManager.Default.FontFamilies.Contains);

    /// <summary>Whether the system has any font: without, pictures have no text.</summary>
    public static bool HasFont => SKFontManager.Default.FontFamilyCount > 0;

    /// <summary>Accuracy against each cost; of few networks, how they learned and what they take for what.</summary>
    public static IReadOnlyList<ReportChart> Draw(ComparisonReport report)
    {
        List<ReportChart> charts =
        [
            Wide("Top-1 against multiply-accumulates", measured: false, CostCharts.Macs),
            Wide("Top-1 against latency of one image", measured: true, CostCharts.Latency),
        ];
        if (report.IsGrid && report.HasTrainingTimes)
        {
            charts.Add(Wide("Top-1 against the time of training", measured: true, CostCharts.Training));
        }

        if (report.Networks.Count > MostCurves) return charts;
        charts.Add(Wide("Loss by epoch, mean over seeds", measured: false, Loss));
        charts.Add(Wide("Validation top-1 by epoch: mean, and each seed", measured: false, Validation));
        charts.AddRange(report.Networks.Select(network => Both(
            $"Confusion of {network.Network.Label}", Width, Width, measured: false, (plot, theme, _) => Confusion(
                plot, theme, network, report.Manifest.Data.ClassNames))));
        return charts;

        ReportChart Wide(string title, bool measured, Action<Plot, ComparisonReport, List<LegendEntry>> draw) =>
            Both(title, Width, Height, measured, (plot, _, legend) => draw(plot, report, legend));
    }

    private static ReportChart Both(string title, int width, int height, bool measured, Action<Plot, Theme, List<LegendEntry>> draw)
    {
        List<LegendEntry> legend = [];
        byte[] light = Png(Theme.Light), dark = Png(Theme.Dark);
        return new(title, light, dark, width, height, measured, legend);

        byte[] Png(Theme theme)
        {
            using var plot = new Plot();
            plot.ScaleFactor = Density;
            plot.FigureBackground.Color = plot.DataBackground.Color = theme.Page;
            plot.Axes.Color(theme.Ink);
            plot.Grid.MajorLineColor = theme.Grid;
            legend = [];
            draw(plot, theme, legend);
            if (Font is not null) plot.Font.Set(Font);
            foreach (var axis in new IAxis[] { plot.Axes.Left, plot.Axes.Bottom }) (axis.Label.Bold, axis.Label.FontSize) = (false, 13);
            return plot.GetImage(Density * width, Density * height).GetImageBytes();
        }
    }

    internal static void Loss(Plot plot, ComparisonReport report, List<LegendEntry> legend)
    {
        for (var i = 0; i < report.Networks.Count; i++)
        {
            var network = report.Networks[i];
            var color = Palette[i % Palette.Length];
            Curve(plot, color.WithAlpha(0.75), LinePattern.Dashed, [.. Means(network, epoch => epoch.TrainLoss).Select(LogAxis.Place)]);
            Curve(plot, color, LinePattern.Solid, [.. Means(network, epoch => epoch.ValidationLoss).Select(LogAxis.Place)]);
            legend.Add(new($"{network.Network.Label}, training", color.ToHex(), "dashes"));
            legend.Add(new($"{network.Network.Label}, validation", color.ToHex(), "line"));
        }

        Epochs(plot, report, "cross-entropy, log scale");
        plot.Axes.AutoScaleY();
        LogAxis.Label(plot.Axes.Left);
    }

    private static void Validation(Plot plot, ComparisonReport report, List<LegendEntry> legend)
    {
        for (var i = 0; i < report.Networks.Count; i++)
        {
            var network = report.Networks[i];
            var color = Palette[i % Palette.Length];
            foreach (var outcome in network.Outcomes)
            {
                Curve(
                    plot, color.WithAlpha(0.3), LinePattern.Solid, [.. outcome.History.Select(epoch => 100 * epoch.ValidationTop1)],
                    width: 1);
            }

            Curve(plot, color, LinePattern.Solid, Means(network, epoch => 100 * epoch.ValidationTop1));
            legend.Add(new(network.Network.Label, color.ToHex(), "line"));
        }

        Epochs(plot, report, "top-1, %");
    }

    private static void Curve(Plot plot, Color color, LinePattern pattern, double[] values, float width = 2.5f)
    {
        var line = plot.Add.Scatter([.. Enumerable.Range(1, values.Length).Select(epoch => (double)epoch)], values, color);
        line.LinePattern = pattern;
        line.LineWidth = width;
        line.MarkerSize = values.Length == 1 ? 7 : 0;
    }

    private static void Epochs(Plot plot, ComparisonReport report, string what)
    {
        plot.XLabel("epoch");
        plot.YLabel(what);
        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic { IntegerTicksOnly = true };
        var most = report.Networks.Max(network => network.Outcomes.Max(outcome => outcome.History.Count));
        if (most == 1) plot.Axes.SetLimitsX(0, 2);
        plot.HideLegend();
    }

    /// <summary>The mean of each epoch over the seeds that got so far.</summary>
    private static double[] Means(NetworkReport network, Func<EpochResult, double> value)
    {
        var epochs = network.Outcomes.Max(outcome => outcome.History.Count);
        return [.. Enumerable.Range(0, epochs).Select(i =>
            network.Outcomes.Where(outcome => outcome.History.Count > i).Average(outcome => value(outcome.History[i])))];
    }

    /// <summary>Shares of each class, a row a class; numbers and names where there are few enough to be read.</summary>
    private static void Confusion(Plot plot, Theme theme, NetworkReport network, IReadOnlyList<string> names)
    {
        const int MostNumbers = 12, MostNames = 30;
        var classes = names.Count;
        var shares = new double[classes, classes];
        for (var row = 0; row < classes; row++)
        {
            var sum = network.Confusion[row].Sum();
            for (var column = 0; column < classes; column++)
            {
                shares[row, column] = sum == 0 ? 0 : 100.0 * network.Confusion[row][column] / sum;
            }
        }

        var map = plot.Add.Heatmap(shares);
        map.Colormap = new ScottPlot.Colormaps.Custom([theme.Page, Color.FromHex("#0072B2")]);
        map.ManualRange = new ScottPlot.Range(0, 100);
        if (classes <= MostNumbers)
        {
            for (var row = 0; row < classes; row++)
            {
                for (var column = 0; column < classes; column++)
                {
                    if (shares[row, column] < 0.05) continue;
                    var number = shares[row, column];
                    var format = number >= 9.95 ? "0" : "0.0";
                    var text = plot.Add.Text(number.ToString(format, CultureInfo.InvariantCulture), column, classes - 1 - row);
                    text.Alignment = Alignment.MiddleCenter;
                    text.LabelFontSize = 11;
                    text.LabelFontColor = number > 50 ? Colors.White : theme.Ink;
                }
            }
        }

        if (classes <= MostNames)
        {
            double[] places = [.. Enumerable.Range(0, classes).Select(i => (double)i)];
            plot.Axes.Bottom.SetTicks(places, [.. names.Select(Short)]);
            plot.Axes.Left.SetTicks(places, [.. names.Reverse().Select(Short)]);
            plot.Axes.Bottom.TickLabelStyle.Rotation = -45;
            plot.Axes.Bottom.TickLabelStyle.Alignment = Alignment.UpperRight;

            // For names that are turned and long.
            plot.Axes.Bottom.MinimumSize = 95;
            plot.Axes.Right.MinimumSize = 18;
        }

        plot.Axes.SetLimits(-0.5, classes - 0.5, -0.5, classes - 0.5);
        plot.HideGrid();

        static string Short(string name) => name.Length <= 18 ? name : name[..17] + "…";
    }
}
