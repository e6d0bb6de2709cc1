using System.Security.Cryptography;

namespace XSepConv.Training.Tests;

public sealed class ShapesTests
{
    [Fact]
    public void The_set_is_synthetic_balanced_and_of_the_documented_size()
    {
        var data = Sets.Open("shapes");
        Assert.True(data.IsSynthetic);
        Assert.Equal("shapes", data.Name);
        Assert.Equal((4_000, 1_000, 2_000), (data.Train.Count, data.Validation.Count, data.Test.Count));
        Assert.Equal((3, 32, 32), (data.Train.Channels, data.Train.Height, data.Train.Width));
        Assert.Equal(10, data.ClassNames.Distinct().Count());
        Assert.All(data.Test.Labels.ToArray().CountBy(label => label), count => Assert.Equal(200, count.Value));
        Assert.False(data.Augmentation.HorizontalFlip, "a mirrored rising diagonal is a falling one");
    }

    [Fact]
    public void The_bytes_are_the_same_on_every_machine()
    {
        // Pinned: a change of a bit is a change of the data set, for all who compare results.
        var split = ShapesDataset.Split(0, seed: 7, count: 500);
        Assert.Equal("13c6e272d5832cafdea09683e62c15ea", Convert.ToHexStringLower(SHA256.HashData(split.ToArray()))[..32]);
    }

    [Fact]
    public void Seeds_give_other_training_images_but_the_same_test_images()
    {
        ImageDataset Open(int seed) => Sets.Open("shapes", new() { Seed = seed, Limit = 50 });
        var (one, again, two) = (Open(1), Open(1), Open(2));
        Assert.True(one.Train.ToArray().SequenceEqual(again.Train.ToArray()));
        Assert.False(one.Train.ToArray().SequenceEqual(two.Train.ToArray()));
        Assert.True(one.Test.ToArray().SequenceEqual(two.Test.ToArray()));
    }

    [Fact]
    public void The_splits_share_no_image()
    {
        var seen = new HashSet<string>();
        for (var split = 0; split < 3; split++)
        {
            var images = ShapesDataset.Split(split, seed: 0, count: 300);
            for (var i = 0; i < images.Count; i++) Assert.True(seen.Add(Convert.ToHexString(SHA256.HashData(images.Image(i)))));
        }
    }

    [Fact]
    public void An_image_does_not_depend_on_how_many_are_made() =>
        Assert.True(ShapesDataset.Split(0, 5, 40).Image(39).SequenceEqual(ShapesDataset.Split(0, 5, 400).Image(39)));

    [Fact]
    public void Bars_lie_the_way_they_are_called()
    {
        // Twice the difference along rows against that along columns tells a horizontal bar from a vertical one, summed over many images.
        var (horizontal, vertical) = (Roughness(0), Roughness(1));
        Assert.True(horizontal.Down > 1.2 * horizontal.Across, $"{horizontal}");
        Assert.True(vertical.Across > 1.2 * vertical.Down, $"{vertical}");
    }

    private static (double Across, double Down) Roughness(int label)
    {
        double across = 0, down = 0;
        var split = ShapesDataset.Split(0, 1, 2000);
        for (var i = label; i < split.Count; i += 10)
        {
            var image = split.Image(i);
            for (var y = 0; y < 31; y++)
            {
                for (var x = 0; x < 31; x++)
                {
                    // Steps larger than the noise: edges of the shape.
                    double dx = Math.Abs(
                        image[(y * 32) + x] - image[(y * 32) + x + 1]), dy = Math.Abs(image[(y * 32) + x] - image[(y * 32) + 32 + x]);
                    if (dx > 60) across += dx;
                    if (dy > 60) down += dy;
                }
            }
        }

        return (across, down);
    }
}
