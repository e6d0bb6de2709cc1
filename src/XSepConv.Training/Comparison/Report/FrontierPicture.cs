using ScottPlot;
using ScottPlot.MultiplotLayouts;
using SkiaSharp;

namespace XSepConv.Training;

/// <summary><c>frontier.png</c>: accuracy against each cost, side by side, to show somewhere else.</summary>
internal static class FrontierPicture
{
    // As wide as GitHub shows a README, with two of the picture's pixels in one of the page's.
    private const int Width = 830, Height = 340, Density = 2, TitleHeight = 56;

    private static readonly Color s_ink = Color.FromHex("#24292f");

    public static byte[] Draw(ComparisonReport report)
    {
        List<Action<Plot>> costs =
            [plot => CostCharts.Latency(plot, report, []), plot => CostCharts.Macs(plot, report, [])];
        if (Frontier.Of(report).Any(frontier => frontier.Cost == Frontier.Training))
        {
            costs.Insert(1, plot => CostCharts.Training(plot, report, []));
        }

        var plots = new Multiplot { Layout = new Columns() };
        plots.AddPlots(costs.Count);
        for (var i = 0; i < costs.Count; i++) Style(plots.GetPlot(i), costs[i], first: i == 0);

        using var surface = SKSurface.Create(new SKImageInfo(Density * Width, Density * Height));
        surface.Canvas.Clear(SKColors.White);
        surface.Canvas.Scale(Density);
        surface.Canvas.Save();
        surface.Canvas.Translate(0, TitleHeight);
        plots.Render(surface.Canvas, new PixelRect(left: 0, right: Width, bottom: Height - TitleHeight, top: 0));
        surface.Canvas.Restore();
        Write(surface.Canvas, [("Accuracy against cost, up and left is better: ", s_ink), .. Names(report)], 15, 20);
        Write(surface.Canvas, [(ReportText.Subject(report.Manifest), s_ink)], 11, 43);
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static void Style(Plot plot, Action<Plot> draw, bool first)
    {
        draw(plot);
        if (!first) plot.YLabel("");
        foreach (var axis in new IAxis[] { plot.Axes.Left, plot.Axes.Bottom })
        {
            (axis.Label.Bold, axis.Label.FontSize, axis.TickLabelStyle.FontSize) = (false, 12, 11);
        }

        plot.Axes.Color(s_ink);
        plot.Grid.MajorLineColor = Color.FromHex("#e4e7eb");
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        if (ReportCharts.Font is { } font) plot.Font.Set(font);
    }

    private static IEnumerable<(string Text, Color Color)> Names(ComparisonReport report) =>
        report.Networks.Select(network => network.Network.Family).Distinct()
            .Select((family, i) => ($"{(i == 0 ? "" : "  ")}● {family}", ReportCharts.Palette[i % ReportCharts.Palette.Length]));

    /// <summary>Words in their colours, in the middle.</summary>
    private static void Write(SKCanvas canvas, IReadOnlyList<(string Text, Color Color)> words, float size, float y)
    {
        using var paint = Paint.NewDisposablePaint();
        List<LabelStyle> labels = [.. words.Select(word => new LabelStyle
        {
            Text = word.Text,
            FontSize = size,
            ForeColor = word.Color,
            Alignment = Alignment.MiddleLeft,
        })];
        if (ReportCharts.Font is { } font) labels.ForEach(label => label.FontName = font);
        var widths = labels.Select(label => label.Measure(label.Text, paint).Width).ToList();
        var x = (Width - widths.Sum()) / 2;
        for (var i = 0; i < labels.Count; i++)
        {
            labels[i].Render(canvas, new Pixel(x, y), paint);
            x += widths[i];
        }
    }
}
