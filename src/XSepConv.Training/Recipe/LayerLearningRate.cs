namespace XSepConv.Training;

/// <summary>A learning rate of their own for some layers; the schedule scales it as it scales the recipe's.</summary>
/// <param name="Layers">
/// The path of a module, such as <c>linear4</c> (the classifier) or <c>bneck.10</c>, of which all parameters have this rate; of several
/// paths that a parameter lies under, the longest counts.
/// </param>
/// <param name="LearningRate">The learning rate after warm-up, above 0.</param>
public sealed record LayerLearningRate(string Layers, double LearningRate)
{
    /// <param name="parameters">The names of those that learn.</param>
    internal static IEnumerable<string> Problems(IReadOnlyList<LayerLearningRate> rates, IReadOnlyList<string> parameters, string network)
    {
        foreach (var (rate, i) in rates.Select((rate, i) => (rate, i)))
        {
            var layers = $"the learning rate of '{rate.Layers}'";
            if (!(rate.LearningRate > 0) || !double.IsFinite(rate.LearningRate))
            {
                yield return FormattableString.Invariant($"{layers} is {rate.LearningRate}, it must be a finite number above 0");
            }

            if (rates.Take(i).Any(other => other.Layers == rate.Layers)) yield return $"{layers} is given twice";
            if (!parameters.Any(rate.Has))
            {
                yield return $"{layers} is given, but {network} has no such layers that learn; the classifier is 'linear4'";
            }
        }
    }

    internal bool Has(string parameter) => parameter.StartsWith($"{Layers}.", StringComparison.Ordinal);

    /// <summary>What the recipe's learning rate is multiplied by for a parameter.</summary>
    internal static double FactorOf(string parameter, IReadOnlyList<LayerLearningRate> rates, double usual) =>
        rates.Where(rate => rate.Has(parameter)).MaxBy(rate => rate.Layers.Length) is { } own ? own.LearningRate / usual : 1;
}
