using System.Globalization;
using ScottPlot;
using ScottPlot.MultiplotLayouts;
using ScottPlot.TickGenerators;
using SkiaSharp;
using XSepConv.Benchmarks.Ratios;
using XSepConv.Training;

namespace XSepConv.Benchmarks.Pictures;

/// <summary>Time against the kernel's size, in training and at inference, all ways in one picture.</summary>
internal static class KernelPicture
{
    // As wide as GitHub shows a README, with two of the picture's pixels in one of the page's.
    private const int Width = 830, Height = 440, Density = 2;
    private const int TitleHeight = 56, LabelHeight = 16;

    // Where the plot ends and the names of the lines begin, as a share of the kernels' range, and how far they reach.
    private const double LabelsAt = 0.025, LabelsReach = 0.84;

    private static readonly Color s_ink = Color.FromHex("#24292f");

    // Okabe and Ito's colours, told apart by everyone; XSepConv on our kernels is what the picture is about.
    private static readonly Way[] s_ways =
    [
        new("depthwise-nchw", "K×K, libtorch NCHW", Color.FromHex("#D55E00"), LinePattern.DenselyDashed, 1.5f),
        new("depthwise", "K×K, libtorch best", Color.FromHex("#D55E00"), LinePattern.Solid, 2f),
        new(OnnxRuntimeContestant.Name, "K×K, ONNX Runtime", Color.FromHex("#CC79A7"), LinePattern.Solid, 2f),
        new("depthwise-fused", "K×K, our kernels", Color.FromHex("#009E73"), LinePattern.Solid, 2f),
        new("composed", "XSepConv, libtorch", Color.FromHex("#56B4E9"), LinePattern.DenselyDashed, 2f),
        new("fused", "XSepConv, our kernels", Color.FromHex("#0072B2"), LinePattern.Solid, 3.5f),
    ];

    // Where ours do not run.
    private static readonly Way[] s_waysOfLibtorch =
    [
        new("depthwise-nchw", "K×K, NCHW", Color.FromHex("#D55E00"), LinePattern.DenselyDashed, 2f),
        new("depthwise-channels-last", "K×K, channels last", Color.FromHex("#D55E00"), LinePattern.Solid, 2f),
        new(StageCase.Auto, "XSepConv", Color.FromHex("#0072B2"), LinePattern.Solid, 3.5f),
    ];

    private static readonly int[] s_ticks = [3, 7, 11, 15, 21, 31, 41, 51, 63];

    /// <summary>A PNG of the curves.</summary>
    /// <param name="curves">What was measured.</param>
    /// <param name="report">Where it was measured.</param>
    /// <param name="shape">Of which maps, <c>NxCxHxW</c>.</param>
    public static byte[] Draw(KernelCurves curves, RatioReport report, string shape)
    {
        var both = new Multiplot { Layout = new Columns() };
        both.AddPlots(2);
        var ways = curves.Best == "fused" ? s_ways : s_waysOfLibtorch;
        Fill(both.GetPlot(0), curves, ways, StageWorks.Training, "Training step");
        Fill(both.GetPlot(1), curves, ways, StageWorks.Inference, "Inference");

        using var surface = SKSurface.Create(new SKImageInfo(Density * Width, Density * Height));
        surface.Canvas.Clear(SKColors.White);
        surface.Canvas.Scale(Density);
        surface.Canvas.Save();
        surface.Canvas.Translate(0, TitleHeight);
        both.Render(surface.Canvas, new PixelRect(left: 0, right: Width, bottom: Height - TitleHeight, top: 0));
        surface.Canvas.Restore();
        var (threads, kernels) = curves.Best != "fused" ? ("", "libtorch's kernels")
            : (report.Threads == 1 ? ", one thread" : $", {report.Threads} threads", "our kernels");
        Write(surface.Canvas, "K×K depthwise convolution, and XSepConv in its place: lower is faster", 15, 20);
        Write(surface.Canvas, $"{shape.Replace("x", " × ", StringComparison.Ordinal)} · {report.Machine}{threads} · "
            + $"at K = {curves.LargestKernel}: × the time of XSepConv on {kernels}", 12, 43);
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static void Fill(Plot plot, KernelCurves curves, Way[] ways, string work, string title)
    {
        var drawn = ways.Select(way => (Way: way, Curve: curves.Of(work, way.Contestant)))
            .Where(pair => pair.Curve is not null).Select(pair => (pair.Way, Curve: pair.Curve!)).ToList();
        foreach (var (way, curve) in drawn)
        {
            var line = plot.Add.Scatter(curve.Kernels, [.. curve.Ms.Select(LogAxis.Place)], way.Color);
            (line.LinePattern, line.LineWidth, line.MarkerSize) = (way.Pattern, way.LineWidth, way.LineWidth + 3);
        }

        var (least, most) = (drawn.Min(pair => pair.Curve.Kernels[0]), drawn.Max(pair => pair.Curve.Kernels[^1]));
        var (low, high) = (drawn.Min(pair => pair.Curve.Ms.Min()), drawn.Max(pair => pair.Curve.Ms.Max()));
        var (bottom, top) = (LogAxis.Place(low) - 0.1, LogAxis.Place(high) + 0.12);
        plot.Axes.SetLimits(least - (0.04 * (most - least)), most + (LabelsReach * (most - least)), bottom, top);
        Name(plot, curves.Best, drawn, most + (LabelsAt * (most - least)), (top - bottom) * LabelHeight / (Height - TitleHeight - 90));

        plot.Title(title, size: 13);
        plot.XLabel("kernel size K", size: 12);
        plot.YLabel("milliseconds", size: 12);
        plot.Axes.Bottom.Label.Bold = plot.Axes.Left.Label.Bold = plot.Axes.Title.Label.Bold = false;
        plot.Axes.Bottom.TickLabelStyle.FontSize = plot.Axes.Left.TickLabelStyle.FontSize = 11;
        int[] ticks = [.. s_ticks.Where(tick => tick >= least && tick <= most)];
        plot.Axes.Bottom.TickGenerator = new NumericManual(
            [.. ticks.Select(tick => (double)tick)], [.. ticks.Select(tick => tick.ToString(CultureInfo.InvariantCulture))]);
        LogAxis.Label(plot.Axes.Left);
        plot.Axes.Color(s_ink);
        plot.Grid.MajorLineColor = Color.FromHex("#e4e7eb");
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        if (ReportCharts.Font is { } font) plot.Font.Set(font);
        plot.HideLegend();
    }

    /// <summary>Writes each line's name at its end, moved apart where two would lie on each other.</summary>
    private static void Name(
        Plot plot, string xsep, List<(Way Way, KernelCurve Curve)> drawn, double x, double height)
    {
        var best = drawn.Single(pair => pair.Way.Contestant == xsep).Curve.Ms[^1];
        var previous = double.NegativeInfinity;
        foreach (var (way, curve) in drawn.OrderBy(pair => pair.Curve.Ms[^1]))
        {
            var place = Math.Max(LogAxis.Place(curve.Ms[^1]), previous + height);
            previous = place;
            var factor = way.Contestant == xsep ? ""
                : $"  {KernelCurves.Times(curve.Ms[^1] / best)}×";
            var text = plot.Add.Text(way.Name + factor, x, place);
            text.Alignment = Alignment.MiddleLeft;
            (text.LabelFontColor, text.LabelFontSize) = (way.Color, 11.5f);
            if (ReportCharts.Font is { } font) text.LabelFontName = font;
        }
    }

    private static void Write(SKCanvas canvas, string text, float size, float y)
    {
        using var paint = Paint.NewDisposablePaint();
        var label = new LabelStyle
        {
            Text = text,
            FontSize = size,
            ForeColor = s_ink,
            Alignment = Alignment.MiddleCenter,
        };
        if (ReportCharts.Font is { } font) label.FontName = font;
        label.Render(canvas, new Pixel(Width / 2f, y), paint);
    }

    /// <summary>How a contestant's line is drawn.</summary>
    private sealed record Way(string Contestant, string Name, Color Color, LinePattern Pattern, float LineWidth);
}
