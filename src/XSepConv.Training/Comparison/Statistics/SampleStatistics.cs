namespace XSepConv.Training;

/// <summary>What a few numbers say.</summary>
/// <param name="StandardDeviation">With n − 1 in the denominator; null for one number.</param>
internal sealed record SampleStatistics(double Mean, double? StandardDeviation, IReadOnlyList<double> Values)
{
    public static SampleStatistics Of(IReadOnlyList<double> values) => new(
        values.Average(),
        values.Count > 1 ? MathNet.Numerics.Statistics.ArrayStatistics.StandardDeviation([.. values]) : null,
        values);

    /// <summary>The middle one, or the mean of the two in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
