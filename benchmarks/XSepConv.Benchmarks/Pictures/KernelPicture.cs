using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;
using XSepConv.Benchmarks.Ratios;
using XSepConv.Training;

namespace XSepConv.Benchmarks.Pictures;

/// <summary>Time against the kernel's size, in training and at inference, all ways in one picture.</summary>
internal static class KernelPicture
{
    private const int Height = 440, LabelHeight = 16;

    // Where the plot ends and the names of the lines begin, as a share of the kernels' range, and how far they reach.
    private const double LabelsAt = 0.025, LabelsReach = 0.84;

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
        var ways = curves.Best == "fused" ? s_ways : s_waysOfLibtorch;
        var (threads, kernels) = curves.Best != "fused" ? ("", "libtorch's kernels")
            : (report.Threads == 1 ? ", one thread" : $", {report.Threads} threads", "our kernels");
        return PlotSheet.Draw(
            Height,
            [
                plot => Fill(plot, curves, ways, StageWorks.Training, "Training step"),
                plot => Fill(plot, curves, ways, StageWorks.Inference, "Inference"),
            ],
            [("K×K depthwise convolution, and XSepConv in its place: lower is faster", PlotSheet.Ink)],
            $"{shape.Replace("x", " × ", StringComparison.Ordinal)} · {report.Machine}{threads} · "
                + $"at K = {curves.LargestKernel}: × the time of XSepConv on {kernels}",
            12);
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
        Name(
            plot, curves.Best, drawn, most + (LabelsAt * (most - least)),
            (top - bottom) * LabelHeight / (Height - PlotSheet.TitleHeight - 90));

        plot.Title(title, size: 13);
        plot.XLabel("kernel size K");
        plot.YLabel("milliseconds");
        int[] ticks = [.. s_ticks.Where(tick => tick >= least && tick <= most)];
        plot.Axes.Bottom.TickGenerator = new NumericManual(
            [.. ticks.Select(tick => (double)tick)], [.. ticks.Select(tick => tick.ToString(CultureInfo.InvariantCulture))]);
        LogAxis.Label(plot.Axes.Left);
    }

    /// <summary>Writes each line's name at its end, moved apart where two would lie on each other.</summary>
    private static void Name(Plot plot, string xsep, List<(Way Way, KernelCurve Curve)> drawn, double x, double height)
    {
        var best = drawn.Single(pair => pair.Way.Contestant == xsep).Curve.Ms[^1];
        var previous = double.NegativeInfinity;
        foreach (var (way, curve) in drawn.OrderBy(pair => pair.Curve.Ms[^1]))
        {
            var place = Math.Max(LogAxis.Place(curve.Ms[^1]), previous + height);
            previous = place;
            var factor = way.Contestant == xsep ? "" : $"  {KernelCurves.Times(curve.Ms[^1] / best)}×";
            var text = plot.Add.Text(way.Name + factor, x, place);
            text.Alignment = Alignment.MiddleLeft;
            (text.LabelFontColor, text.LabelFontSize) = (way.Color, 11.5f);
            if (ReportCharts.Font is { } font) text.LabelFontName = font;
        }
    }

    /// <summary>How a contestant's line is drawn.</summary>
    private sealed record Way(string Contestant, string Name, Color Color, LinePattern Pattern, float LineWidth);
}
