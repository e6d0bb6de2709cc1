using static XSepConv.Training.CounterRandom.Stream;

namespace XSepConv.Training;

/// <summary>
/// <c>shapes</c>: a generated set of 32×32 colour images in ten classes, for demonstrations and tests. Synthetic, and called so.
/// </summary>
internal static class ShapesDataset
{
    public const string Name = "shapes";
    public const int Side = 32;
    public const int Channels = 3;
    private const int TrainImages = 4_000;
    private const int ValidationImages = 1_000;
    private const int TestImages = 2_000;

    // The test images are the same for every seed, as those of a real set are.
    private const int TestSeed = 0;

    public static IReadOnlyList<string> ClassNames { get; } =
    [
        "horizontal bar", "vertical bar", "rising diagonal", "falling diagonal", "plus", "cross", "circle", "square", "triangle",
        "checkerboard",
    ];

    public static ImageDataset Create(DatasetOptions options)
    {
        var most = options.Limit ?? int.MaxValue;
        return new ImageDataset(
            Name,
            ClassNames,
            train: Split(0, options.Seed, Math.Min(most, TrainImages)),
            validation: Split(1, options.Seed, Math.Min(most, ValidationImages)),
            test: Split(2, TestSeed, Math.Min(most, TestImages)),
            isSynthetic: true,
            // No flip: a mirrored rising diagonal is a falling one. A small move keeps every shape in the picture. Bars are turned by
            // up to 16° already, and 22.5° are halfway to a diagonal.
            augmentation: new Augmentation(CropPadding: 2, HorizontalFlip: false) { LargestRotation = 5 },
            source: $"generated, seed {options.Seed}")
        {
            Findings = new() { Warnings = BalancedSubset.Warnings(options.Limit, ClassNames.Count) },
        };
    }

    /// <summary>
    /// The images of a split, classes in turn. Each depends on (seed, split, index) only, so they may be drawn in any order.
    /// </summary>
    internal static ImageSplit Split(int split, int seed, int count)
    {
        const int Bytes = Channels * Side * Side;
        var pixels = new byte[count * Bytes];
        var labels = new int[count];
        Parallel.For(0, count, i =>
        {
            labels[i] = i % ClassNames.Count;
            ShapePainter.Paint(labels[i], CounterRandom.For(seed, Shape, split, i), pixels.AsSpan(i * Bytes, Bytes));
        });
        return new ImageSplit(pixels, labels, Channels, Side, Side);
    }
}
