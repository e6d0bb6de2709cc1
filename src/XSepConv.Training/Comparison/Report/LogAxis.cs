using System.Globalization;
using ScottPlot;

namespace XSepConv.Training;

/// <summary>An axis on which equal steps are equal ratios: what falls by half falls as far everywhere.</summary>
internal static class LogAxis
{
    private const int LeastTicks = 3;

    // No loss of an image is as small; 0 has no place on such an axis.
    private const double Least = 1e-6;

    private static readonly double[][] Mantissas = [[1], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 7]];

    public static double Place(double value) => Math.Log10(Math.Max(value, Least));

    /// <summary>Writes values at an axis whose limits are places.</summary>
    public static void Label(IAxis axis)
    {
        var ticks = Ticks(Math.Pow(10, axis.Min), Math.Pow(10, axis.Max));
        string[] labels = [.. ticks.Select(value => value.ToString("0.######", CultureInfo.InvariantCulture))];
        axis.TickGenerator = new ScottPlot.TickGenerators.NumericManual([.. ticks.Select(Place)], labels);
    }

    /// <summary>
    /// The values to write between two others: the fewest round ones that are three; where the two are close, evenly spaced ones.
    /// </summary>
    public static IReadOnlyList<double> Ticks(double low, double high)
    {
        foreach (var mantissas in Mantissas)
        {
            double[] ticks =
            [
                .. from power in Enumerable.Range(-6, 12)
                   from mantissa in mantissas
                   let value = mantissa * Math.Pow(10, power)
                   where value >= low && value <= high
                   select value,
            ];
            if (ticks.Length >= LeastTicks) return ticks;
        }

        var power10 = Math.Pow(10, Math.Floor(Math.Log10((high - low) / LeastTicks)));
        var room = (high - low) / LeastTicks / power10;
        var step = power10 * (room >= 5 ? 5 : room >= 2 ? 2 : 1);
        var first = Math.Ceiling(low / step);
        return [.. Enumerable.Range(0, 1 + (int)(Math.Floor(high / step) - first)).Select(i => (first + i) * step)];
    }
}
