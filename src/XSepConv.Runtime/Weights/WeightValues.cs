namespace XSepConv;

/// <summary>
/// Which values a network may compute with: finite numbers, and variances that are not negative. One rule, wherever weights come from.
/// </summary>
internal static class WeightValues
{
    /// <summary>Whether a state-dict key is that of a variance.</summary>
    public static bool IsVariance(string key) => key == "running_var" || key.EndsWith(".running_var", StringComparison.Ordinal);

    /// <summary>What is wrong with a tensor's values, and where in their row-major order; null when nothing is.</summary>
    public static string? Problem(string key, ReadOnlySpan<double> values)
    {
        var isVariance = IsVariance(key);
        for (var i = 0; i < values.Length; i++)
        {
            if (!double.IsFinite(values[i])) return Named(key, values[i], i, "weights are finite numbers");
            if (isVariance && values[i] < 0) return Named(key, values[i], i, "a variance is not negative");
        }

        return null;
    }

    private static string Named(string key, double value, int at, string rule) =>
        FormattableString.Invariant($"{SafeTensorsHeader.Quote(key)} has {value} at {at}; {rule}");
}
