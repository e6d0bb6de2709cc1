namespace XSepConv.Training;

/// <summary>
/// Mixup (Zhang et al. 2017, arXiv 1710.09412): each image of a batch is mixed with the next one of it, the last with the first. A batch is
/// in random order, so the next one is a random one.
/// </summary>
internal static class Mixup
{
    private const int Tries = 1_000;

    /// <summary>
    /// The weight of an image itself, from Beta(α, α), the larger side: 0.5 … 1. So an image's own class is the one that counts most.
    /// </summary>
    public static float Weight(double alpha, ref CounterRandom random)
    {
        // Jöhnk 1964, for α up to 1: x = u^(1/α) and y = v^(1/α), taken when x + y ≤ 1, give x/(x + y).
        for (var i = 0; i < Tries; i++)
        {
            var x = Math.Pow(random.NextDouble(), 1 / alpha);
            var y = Math.Pow(random.NextDouble(), 1 / alpha);
            if (x + y <= 1 && x + y > 0) return (float)(Math.Max(x, y) / (x + y));
        }

        return 1;
    }

    /// <summary>Mixes the images: image i becomes w·(image i) + (1 − w)·(image i + 1).</summary>
    /// <param name="images">[count, …].</param>
    public static void Mix(Span<float> images, ReadOnlySpan<float> weights)
    {
        var size = images.Length / weights.Length;
        var first = images[..size].ToArray();
        for (var i = 0; i < weights.Length; i++)
        {
            var own = images.Slice(i * size, size);
            var other = i + 1 < weights.Length ? images.Slice((i + 1) * size, size) : first;
            for (var p = 0; p < size; p++) own[p] = (weights[i] * own[p]) + ((1 - weights[i]) * other[p]);
        }
    }
}
