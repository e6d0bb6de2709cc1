namespace XSepConv.Training;

/// <summary>Images a second in training.</summary>
internal static class TrainingSpeed
{
    /// <summary>The median over epochs; null where none has a time.</summary>
    public static double? Of(IEnumerable<EpochResult> log)
    {
        double[] known = [.. log.Select(epoch => epoch.ImagesPerSecond).OfType<double>().Order()];
        return known.Length == 0 ? null : (known[(known.Length - 1) / 2] + known[known.Length / 2]) / 2;
    }
}
