using System.Globalization;
using ScottPlot;

namespace XSepConv.Training;

/// <summary>The run as a picture: loss and top-1 by epoch, training and validation.</summary>
internal static class LearningCurves
{
    private const int Width = 1000;
    private const int Height = 420;

    /// <summary>Draws it.</summary>
    /// <param name="path">A PNG file; replaced as a whole.</param>
    /// <param name="title">What was trained on what.</param>
    /// <param name="history">At least one epoch.</param>
    public static void Draw(string path, string title, IReadOnlyList<EpochResult> history)
    {
        // ScottPlot numbers axes as the current culture does.
        var culture = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            var png = Png(title, history);
            AtomicFile.Write(path, file => file.Write(png));
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    private static byte[] Png(string title, IReadOnlyList<EpochResult> history)
    {
        var both = new Multiplot();
        both.AddPlots(2);
        both.Layout = new ScottPlot.MultiplotLayouts.Grid(1, 2);
        double[] epochs = [.. history.Select(result => (double)result.Epoch)];
        Fill(both.GetPlot(0), "cross-entropy", Alignment.UpperRight, result => result.TrainLoss, result => result.ValidationLoss);
        Fill(both.GetPlot(1), "top-1, %", Alignment.LowerRight, result => 100 * result.TrainTop1, result => 100 * result.ValidationTop1);
        both.GetPlot(0).Title(title, size: 13);
        if (history.LastOrDefault(result => result.Best) is { } best)
        {
            both.GetPlot(1).Title($"best: {100 * best.ValidationTop1:0.00} % in epoch {best.Epoch}", size: 13);
        }

        using var picture = both.Render(Width, Height);
        return picture.GetImageBytes();

        void Fill(Plot plot, string what, Alignment legend, Func<EpochResult, double> train, Func<EpochResult, double> validation)
        {
            Curve("training", ScottPlot.Color.FromHex("#8DA0CB"), train);
            Curve("validation", Color.FromHex("#C44E52"), validation);
            plot.XLabel("epoch");
            plot.YLabel(what);
            plot.ShowLegend(legend);
            plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic { IntegerTicksOnly = true };
            if (epochs.Length == 1) plot.Axes.SetLimitsX(epochs[0] - 1, epochs[0] + 1);

            void Curve(string name, Color color, Func<EpochResult, double> value)
            {
                var line = plot.Add.Scatter(epochs, [.. history.Select(value)], color);
                line.LegendText = name;
                line.LineWidth = 2;
            }
        }
    }
}
