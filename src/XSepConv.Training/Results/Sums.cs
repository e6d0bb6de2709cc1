namespace XSepConv.Training;

/// <summary>Sums of what may not be known.</summary>
internal static class Sums
{
    /// <summary>Null where one of them is not known, or there is none: a part is no sum.</summary>
    public static double? OfKnown(IEnumerable<double?> values)
    {
        double?[] all = [.. values];
        return all.Length > 0 && Array.TrueForAll(all, value => value is not null) ? all.Sum() : null;
    }
}
