namespace XSepConv.Training.Tests;

/// <summary>
/// How far the operations go: torchvision's ranges of RandAugment, turning and shearing in proportion to the largest rotation. What an
/// operation does is compared with Pillow in <see cref="OperationTests"/>.
/// </summary>
public sealed class StrengthTests
{
    private const int Height = 24, Width = 26;
    private const double Magnitude = 0.4, LargestRotation = 12;

    private delegate void Change(PixelImage image);

    /// <summary>In the policy's order, at magnitude 0.4 with its sign.</summary>
    private static Change[] Expected(int sign) =>
    [
        _ => { },

        // 0.3 at magnitude 1 and 30°.
        image => GeometricOperations.ShearRows(image, sign * 0.048),
        image => GeometricOperations.ShearColumns(image, sign * 0.048),

        // 150/331 of 26 and 24 pixels at magnitude 1, without the fraction.
        image => GeometricOperations.Translate(image, sign * 4, 0),
        image => GeometricOperations.Translate(image, 0, sign * 4),
        image => GeometricOperations.Rotate(image, sign * 4.8),

        // 0.9 up or down at magnitude 1.
        image => ColorOperations.Brightness(image, 1 + (sign * 0.36)),
        image => ColorOperations.Saturation(image, 1 + (sign * 0.36)),
        image => ColorOperations.Contrast(image, 1 + (sign * 0.36)),
        image => ColorOperations.Sharpness(image, 1 + (sign * 0.36)),

        // 4 of 8 bits at magnitude 1.
        image => ColorOperations.Posterize(image, 6),
        image => ColorOperations.Solarize(image, 154),
        ColorOperations.AutoContrast,
        ColorOperations.Equalize,
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void An_operation_goes_as_far_as_documented(int sign)
    {
        var expected = Expected(sign);
        Assert.Equal(RandomPolicy.Operations, expected.Length);
        for (var operation = 0; operation < expected.Length; operation++)
        {
            var drawn = Changed(image => RandomPolicy.Apply(image, operation, sign * Magnitude, LargestRotation));
            Assert.True(Changed(expected[operation]).AsSpan().SequenceEqual(drawn), $"Operation {operation} goes another way.");
        }
    }

    // Grey 100 shows the brightness; 50 and 150, of mean 100, the contrast as their difference over their sum; a colour's distance from
    // its own grey, contrast times saturation.
    [Fact]
    public void Colours_vary_by_the_strength_and_no_more()
    {
        const double Strength = 0.2;
        List<double> brightness = [], contrast = [], colour = [];
        for (var i = 0; i < 1_000; i++)
        {
            var grey = Jittered([100, 100, 100, 100, 100, 100], i);
            brightness.Add(grey[0] / 100.0);
            var halves = Jittered([50, 150, 50, 150, 50, 150], i);
            contrast.Add(2.0 * (halves[1] - halves[0]) / (halves[1] + halves[0]));
            var red = Jittered([160, 160, 60, 60, 60, 60], i);

            // Its distance grows with the brightness too, which is that of the grey picture: the same draws.
            colour.Add((red[0] - red[2]) / 100.0 / brightness[^1]);
        }

        // Bytes are cut off: two of 80, of 100 and of 64.
        Within(1 - Strength, 1 + Strength, 0.025, brightness);
        Within(1 - Strength, 1 + Strength, 0.03, contrast);
        Within((1 - Strength) * (1 - Strength), (1 + Strength) * (1 + Strength), 0.04, colour);

        static byte[] Jittered(byte[] pixels, int image)
        {
            var random = CounterRandom.For(4, CounterRandom.Stream.Augmentation, 1, image);
            ColorOperations.Jitter(new(pixels, new byte[pixels.Length], 3, 1, 2), Strength, ref random);
            return pixels;
        }

        // Of 1,000 draws the ends are nearly reached; those of a product of two rarely.
        static void Within(double least, double most, double error, List<double> factors)
        {
            Assert.InRange(factors.Min(), least - error, least + 0.1);
            Assert.InRange(factors.Max(), most - 0.15, most + error);
        }
    }

    private static byte[] Changed(Change change)
    {
        var pixels = Fixture.Bytes("operations/picture");
        change(new(pixels, new byte[pixels.Length], 3, Height, Width));
        return pixels;
    }
}
