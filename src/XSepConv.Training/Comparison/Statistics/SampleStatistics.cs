namespace XSepConv.Training;

/// <summary>What a few numbers say.</summary>
/// <param name="StandardDeviation">With n − 1 in the denominator; null for one number.</param>
internal sealed record SampleStatistics(double Mean, double? StandardDeviation, IReadOnlyList<double> Values)
{
    public static SampleStatistics Of(IReadOnlyList<double> values) => new(
        values.Average(),
        values.Count > 1 ? MathNet.Numerics.Statistics.ArrayStatistics.StandardDeviation([.. values]) : null,
        values);
}
