using MathNet.Numerics.Distributions;

namespace XSepConv.Training;

/// <summary>
/// The paired t-test over seeds: whether the mean difference between two networks, each pair trained with the same seed on the same images,
/// could be chance.
/// </summary>
/// <param name="Mean">The mean difference, first − second.</param>
/// <param name="T">The statistic; null where there is no test.</param>
/// <param name="DegreesOfFreedom">Pairs − 1.</param>
/// <param name="P">Two-sided; null where there is no test.</param>
/// <param name="Low">Lower end of the 95 % confidence interval of the mean; null where there is none.</param>
/// <param name="High">Its upper end.</param>
/// <param name="WhyNot">Why there is no test; null where there is one.</param>
public sealed record PairedTest(double Mean, double? T, int DegreesOfFreedom, double? P, double? Low, double? High, string? WhyNot)
{
    private const double Confidence = 0.95;

    /// <summary>Tests first − second.</summary>
    /// <param name="first">A number for each seed, such as the top-1 of the first network.</param>
    /// <param name="second">The second network's, in the same order of seeds.</param>
    /// <exception cref="ArgumentException">The lists differ in length or are empty.</exception>
    public static PairedTest Of(IReadOnlyList<double> first, IReadOnlyList<double> second)
    {
        if (first.Count != second.Count || first.Count == 0)
        {
            throw new ArgumentException(
                $"There are {first.Count} and {second.Count} values; pairs are as many of both, and at least one.", nameof(second));
        }

        double[] differences = [.. first.Zip(second, (a, b) => a - b)];
        var (mean, deviation) = (differences.Average(), SampleStatistics.Of(differences).StandardDeviation);
        var freedom = differences.Length - 1;
        if (!double.IsFinite(mean) || !double.IsFinite(deviation ?? 0))
        {
            return new(mean, null, freedom, null, null, null, "the values, or the squares of their differences, are not finite numbers");
        }

        if (deviation is null) return new(mean, null, freedom, null, null, null, "one seed allows no test; two or more do");

        // What rounding leaves of equal differences is no spread.
        var rounding = 1e-12 * first.Concat(second).Max(Math.Abs);
        if (deviation <= rounding)
        {
            return new(mean, null, freedom, null, null, null, "all differences are equal, so their spread can't be estimated");
        }

        var error = deviation.Value / Math.Sqrt(differences.Length);
        var (t, half) = (mean / error, StudentT.InvCDF(0, 1, freedom, (1 + Confidence) / 2) * error);
        return new(mean, t, freedom, 2 * StudentT.CDF(0, 1, freedom, -Math.Abs(t)), mean - half, mean + half, null);
    }
}

/// <summary>
/// McNemar's exact test: whether two networks err on different images more often one way than the other, for one pair of trained networks.
/// </summary>
/// <param name="OnlyFirst">Images that only the first classifies right.</param>
/// <param name="OnlySecond">Images that only the second does.</param>
/// <param name="P">Two-sided, from the binomial distribution; 1 where there are no such images.</param>
internal sealed record McNemarTest(int OnlyFirst, int OnlySecond, double P)
{
    public static McNemarTest Of(RunOutcome first, RunOutcome second)
    {
        if (!first.Labels.SequenceEqual(second.Labels))
        {
            throw new ArgumentException("The two were not tested on the same images.", nameof(second));
        }

        int onlyFirst = 0, onlySecond = 0;
        for (var i = 0; i < first.Labels.Count; i++)
        {
            var (a, b) = (first.Predictions[i] == first.Labels[i], second.Predictions[i] == second.Labels[i]);
            if (a && !b) onlyFirst++;
            if (b && !a) onlySecond++;
        }

        return Of(onlyFirst, onlySecond);
    }

    public static McNemarTest Of(int onlyFirst, int onlySecond)
    {
        var disagreements = onlyFirst + onlySecond;
        var p = disagreements == 0 ? 1 : Math.Min(1, 2 * Binomial.CDF(0.5, disagreements, Math.Min(onlyFirst, onlySecond)));
        return new(onlyFirst, onlySecond, p);
    }
}
