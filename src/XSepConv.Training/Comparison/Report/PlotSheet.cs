using ScottPlot;
using ScottPlot.MultiplotLayouts;
using SkiaSharp;

namespace XSepConv.Training;

/// <summary>Plots side by side below a title and a line about them, as wide as GitHub shows a README.</summary>
internal static class PlotSheet
{
    public const int Width = 830, TitleHeight = 56;

    // Two of the picture's pixels in one of the page's.
    private const int Density = 2;

    public static Color Ink { get; } = Color.FromHex("#24292f");

    /// <summary>A PNG.</summary>
    /// <param name="height">Of the page's pixels, with the title.</param>
    /// <param name="fill">What draws each plot, from the left.</param>
    /// <param name="title">Words, each in its colour.</param>
    /// <param name="about">The smaller line below.</param>
    /// <param name="aboutSize">Of its letters.</param>
    public static byte[] Draw(
        int height, IReadOnlyList<Action<Plot>> fill, IReadOnlyList<(string Text, Color Color)> title, string about, float aboutSize)
    {
        var plots = new Multiplot { Layout = new Columns() };
        plots.AddPlots(fill.Count);
        for (var i = 0; i < fill.Count; i++)
        {
            fill[i](plots.GetPlot(i));
            Style(plots.GetPlot(i));
        }

        using var surface = SKSurface.Create(new SKImageInfo(Density * Width, Density * height));
        surface.Canvas.Clear(SKColors.White);
        surface.Canvas.Scale(Density);
        surface.Canvas.Save();
        surface.Canvas.Translate(0, TitleHeight);
        plots.Render(surface.Canvas, new PixelRect(left: 0, right: Width, bottom: height - TitleHeight, top: 0));
        surface.Canvas.Restore();
        Write(surface.Canvas, title, 15, 20);
        Write(surface.Canvas, [(about, Ink)], aboutSize, 43);
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static void Style(Plot plot)
    {
        foreach (var axis in new IAxis[] { plot.Axes.Left, plot.Axes.Bottom })
        {
            (axis.Label.Bold, axis.Label.FontSize, axis.TickLabelStyle.FontSize) = (false, 12, 11);
        }

        plot.Axes.Title.Label.Bold = false;
        plot.Axes.Color(Ink);
        plot.Grid.MajorLineColor = Color.FromHex("#e4e7eb");
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        if (ReportCharts.Font is { } font) plot.Font.Set(font);
        plot.HideLegend();
    }

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
