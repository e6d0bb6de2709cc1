namespace XSepConv.Training.Tests;

public sealed class AugmentationTests
{
    // Mean 0 and std 1/255 make every number its byte.
    private static readonly ImageNormalization Bytes = new([0], [1.0 / 255]);
    private static readonly byte[] Image = [1, 2, 3, 4, 5, 6];

    [Fact]
    public void Without_augmentation_an_image_is_only_normalised()
    {
        var target = new float[6];
        Augmentation.None.Apply(
            Image, 1, 2, 3, new ImageNormalization([0.5], [0.25]), CounterRandom.For(0, CounterRandom.Stream.Augmentation), target);
        for (var i = 0; i < 6; i++) Assert.Equal((float)(((Image[i] / 255.0) - 0.5) / 0.25), target[i]);
    }

    [Fact]
    public void Every_move_and_flip_happens_and_nothing_else()
    {
        // All 9 moves of up to one pixel, each mirrored or not, by hand: what comes in is black.
        var expected = new HashSet<string>();
        for (var dy = -1; dy <= 1; dy++)
        {
            for (var dx = -1; dx <= 1; dx++)
            {
                foreach (var flip in new[] { false, true })
                {
                    var moved = new int[6];
                    for (var y = 0; y < 2; y++)
                    {
                        for (var x = 0; x < 3; x++)
                        {
                            int fromY = y + dy, fromX = (flip ? 2 - x : x) + dx;
                            moved[(y * 3) + x] = fromY is >= 0 and < 2 && fromX is >= 0 and < 3 ? Image[(fromY * 3) + fromX] : 0;
                        }
                    }

                    expected.Add(string.Join(",", moved));
                }
            }
        }

        var seen = new HashSet<string>();
        for (var i = 0; i < 500; i++)
        {
            var target = new float[6];
            new Augmentation(1, true).Apply(Image, 1, 2, 3, Bytes, CounterRandom.For(1, CounterRandom.Stream.Augmentation, 1, i), target);
            seen.Add(string.Join(",", target.Select(value => (int)MathF.Round(value))));
        }

        Assert.Equal(expected.Order(), seen.Order());
    }

    [Fact]
    public void All_channels_move_together()
    {
        byte[] image = [1, 2, 3, 4, 11, 12, 13, 14];
        var target = new float[8];
        for (var i = 0; i < 100; i++)
        {
            new Augmentation(1, true).Apply(
                image, 2, 2, 2, new([0, 0], [1.0 / 255, 1.0 / 255]), CounterRandom.For(2, CounterRandom.Stream.Augmentation, i), target);
            for (var p = 0; p < 4; p++) Assert.Equal(target[p] == 0 ? 0 : target[p] + 10, target[4 + p], 1e-4f);
        }
    }

    [Fact]
    public void The_mean_and_deviation_of_a_split_are_those_of_its_pixels()
    {
        // Channel 0: 0, 255, 0, 255 → mean 0.5, deviation 0.5. Channel 1: always 51 → mean 0.2, only shifted.
        var split = new ImageSplit(new byte[] { 0, 255, 51, 51, 0, 255, 51, 51 }, new[] { 0, 1 }, channels: 2, height: 1, width: 2);
        var normalization = ImageNormalization.Of(split);
        Assert.Equal([0.5, 0.2], normalization.Mean.Select(mean => Math.Round(mean, 12)));
        Assert.Equal([0.5, 1], normalization.Std.Select(std => Math.Round(std, 12)));
    }
}
