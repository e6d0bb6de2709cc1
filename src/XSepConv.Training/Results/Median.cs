namespace XSepConv.Training;

/// <summary>The middle one of some numbers, or the mean of the two in the middle.</summary>
internal static class Median
{
    public static double Of(IEnumerable<double> values) => MathNet.Numerics.Statistics.Statistics.Median(values);

    /// <summary>The middle one of an odd number of anything that has an order.</summary>
    public static T Middle<T>(IEnumerable<T> values)
    {
        T[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    /// <summary>Of those that are known; null where none is.</summary>
    public static double? Of(IEnumerable<double?> values)
    {
        double[] known = [.. values.OfType<double>()];
        return known.Length > 0 ? Of(known) : null;
    }
}
