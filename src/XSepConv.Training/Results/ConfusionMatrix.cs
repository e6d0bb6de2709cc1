namespace XSepConv.Training;

/// <summary>What the images of each class were taken for.</summary>
/// <remarks>An image whose logits are not finite numbers was taken for no class: it counts among those of its class, and is not right.
/// </remarks>
public sealed class ConfusionMatrix
{
    private readonly long[,] _counts;
    private readonly long[] _unanswered;

    /// <param name="counts">By class and by what the images were taken for.</param>
    /// <param name="unanswered">By class, those that were taken for none.</param>
    internal ConfusionMatrix(long[,] counts, long[] unanswered) => (_counts, _unanswered) = (counts, unanswered);

    /// <summary>How many classes the network tells apart.</summary>
    public int Classes => _counts.GetLength(0);

    /// <summary>How many images of a class were taken for another, or for their own.</summary>
    /// <param name="actual">The class they are of.</param>
    /// <param name="predicted">What they were taken for.</param>
    public long this[int actual, int predicted] => _counts[actual, predicted];

    /// <summary>How many images of a class there are.</summary>
    public long ImagesOf(int actual) =>
        _unanswered[actual] + Enumerable.Range(0, Classes).Sum(predicted => _counts[actual, predicted]);

    /// <summary>The share of a class's images that were taken for it, 0 … 1; null where there are none.</summary>
    public double? Top1Of(int actual) => ImagesOf(actual) is > 0 and var images ? (double)_counts[actual, actual] / images : null;

    /// <summary>The mean of that over the classes that have images: rare classes count as much as common ones.</summary>
    public double MeanTop1() => Enumerable.Range(0, Classes).Select(Top1Of).OfType<double>().Average();

    /// <summary>How many images of a class were taken for none.</summary>
    internal long UnansweredOf(int actual) => _unanswered[actual];
}
