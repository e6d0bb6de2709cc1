namespace XSepConv.Training;

/// <summary>The middle one of some numbers, or the mean of the two in the middle.</summary>
internal static class Median
{
    public static double Of(IEnumerable<double> values) => MathNet.Numerics.Statistics.Statistics.Median(values);

    /// <summary>Of those that are known; null where none is.</summary>
    public static double? Of(IEnumerable<double?> values)
    {
        double[] known = [.. values.OfType<double>()];
        return known.Length > 0 ? Of(known) : null;
    }
}
