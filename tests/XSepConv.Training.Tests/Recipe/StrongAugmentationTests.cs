using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

public sealed class StrongAugmentationTests
{
    private static readonly ImageSplit Images = ShapesDataset.Split(0, seed: 1, count: 70);
    private static readonly ImageNormalization Normalization = ImageNormalization.Of(Images);
    private static readonly Augmentation Everything =
        new(2, true) { ColorJitter = 0.2, Erasing = 0.5, PolicyOperations = 2, PolicyMagnitude = 0.5, Mixup = 0.4 };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public void Batches_do_not_depend_on_the_workers_nor_on_where_a_pass_begins(int workers)
    {
        Assert.Equal(Epoch(Everything, 2), Epoch(Everything, workers));
        Assert.Equal(Epoch(Everything, 2)[2..], Epoch(Everything, workers, first: 2));
    }

    [Fact]
    public void Each_part_changes_the_images_and_an_epoch_is_not_the_next()
    {
        Augmentation[] some =
        [
            Augmentation.None, new(2, false), new(0, true), Augmentation.None with { ColorJitter = 0.2 },
            Augmentation.None with { Erasing = 0.5 },
            Augmentation.None with { PolicyOperations = 1, PolicyMagnitude = 0.5 }, Augmentation.None with { Mixup = 0.4 }, Everything,
        ];
        Assert.Equal(some.Length, some.Select(augmentation => string.Join(";", Epoch(augmentation, 2))).Distinct().Count());
        Assert.NotEqual(Epoch(Everything, 2), Epoch(Everything, 2, epoch: 2));
    }

    [Fact]
    public void Erasing_sets_one_rectangle_of_the_documented_area_to_the_mean()
    {
        var erased = 0;
        for (var i = 0; i < 400; i++)
        {
            var target = new float[Images.ImageBytes];
            target.AsSpan().Fill(1);
            var random = CounterRandom.For(3, CounterRandom.Stream.Augmentation, i);
            RandomErasing.Apply(target, 3, 32, 32, ref random);
            var gone = Enumerable.Range(0, 1024).Where(p => target[p] == 0).ToList();
            if (gone.Count == 0) continue;
            erased++;

            // All channels alike, and as many pixels as its rows and columns span: a rectangle.
            Assert.Equal(gone, Enumerable.Range(0, 1024).Where(p => target[2048 + p] == 0));
            int rows = gone.Max(p => p / 32) - gone.Min(p => p / 32) + 1, columns = gone.Max(p => p % 32) - gone.Min(p => p % 32) + 1;
            Assert.Equal(rows * columns, gone.Count);

            // Sides are rounded to whole pixels: half a pixel each on up to 32.
            Assert.InRange((rows - 0.5) * (columns - 0.5), 0, 0.33 * 1024);
            Assert.InRange((rows + 0.5) * (columns + 0.5), 0.02 * 1024, 1024);
        }

        Assert.InRange(erased, 390, 400);
    }

    [Fact]
    public void The_share_of_erased_images_is_the_one_asked_for()
    {
        var augmentation = Augmentation.None with { Erasing = 0.25 };
        var erased = 0;
        for (var i = 0; i < 2_000; i++)
        {
            var target = new float[Images.ImageBytes];
            augmentation.Apply(
                Images.Image(0), 3, 32, 32, Normalization, CounterRandom.For(1, CounterRandom.Stream.Augmentation, 1, i), target);
            if (target.Contains(0f)) erased++;
        }

        // 500 ± 4 standard deviations of 19.4.
        Assert.InRange(erased, 422, 578);
    }

    [Fact]
    public void A_mixed_image_is_the_weighted_sum_of_itself_and_the_next()
    {
        float[] images = [1, 2, 10, 20, 100, 200];
        Mixup.Mix(images, [0.5f, 0.75f, 1f]);
        Assert.Equal([5.5f, 11f, 32.5f, 65f, 100f, 200f], images);
        images = [1, 2, 3, 4];
        Mixup.Mix(images, [1f, 0.5f]);
        Assert.Equal([1f, 2f, 2f, 3f], images);
    }

    [Theory]
    [InlineData(0.2)]
    [InlineData(1.0)]
    public void The_weights_are_Beta_s(double alpha)
    {
        const int Count = 20_000;
        double sum = 0, squares = 0;
        for (var i = 0; i < Count; i++)
        {
            var random = CounterRandom.For(5, CounterRandom.Stream.Mixup, 1, i);
            var weight = Mixup.Weight(alpha, ref random);
            Assert.InRange(weight, 0.5f, 1f);
            var folded = (weight - 0.5) * (weight - 0.5);
            sum += folded;
            squares += folded * folded;
        }

        // (w − 1/2)² is the same for w and 1 − w, and its mean the variance of Beta(α, α): 1/(4(2α + 1)). Four standard errors either way.
        var mean = sum / Count;
        var error = Math.Sqrt(((squares / Count) - (mean * mean)) / Count);
        Assert.Equal(1 / (4 * ((2 * alpha) + 1)), mean, 4 * error);
    }

    [Fact]
    public void The_mixed_loss_is_the_cross_entropy_with_the_smoothed_mixed_target()
    {
        // By hand in doubles: target = (1 − s)·(w·own + (1 − w)·next) + s/3.
        double[][] logits = [[0.5, -1, 2], [1, 0, -0.5], [-0.3, 0.8, 0.1]];
        int[] labels = [2, 0, 1];
        double[] weights = [0.7, 0.9, 0.55];
        const double Smoothing = 0.1;
        double expected = 0;
        for (var i = 0; i < 3; i++)
        {
            var log = Math.Log(logits[i].Sum(Math.Exp));
            for (var k = 0; k < 3; k++)
            {
                var mixed = (labels[i] == k ? weights[i] : 0) + (labels[(i + 1) % 3] == k ? 1 - weights[i] : 0);
                expected -= (((1 - Smoothing) * mixed) + (Smoothing / 3)) * (logits[i][k] - log) / 3;
            }
        }

        using var scope = NewDisposeScope();
        var loss = MixedLoss.Of(
            tensor(new double[,] { { 0.5, -1, 2 }, { 1, 0, -0.5 }, { -0.3, 0.8, 0.1 } }), tensor(new long[] { 2, 0, 1 }),
            tensor(new[] { 0.7, 0.9, 0.55 }), Smoothing);
        Assert.Equal(expected, loss.ToDouble(), 1e-12);
    }

    [Fact]
    public void A_preset_keeps_what_the_data_set_allows()
    {
        var data = Sets.Open("shapes", new() { Limit = 20 });
        Assert.Equal(["none", "light", "standard", "strong"], AugmentationPreset.Names);
        Assert.Equal(Augmentation.None, AugmentationPreset.For("none", data));
        Assert.Equal(data.Augmentation, AugmentationPreset.For("light", data));
        foreach (var name in new[] { "standard", "strong" })
        {
            var augmentation = AugmentationPreset.For(name, data);
            Assert.False(augmentation.HorizontalFlip);
            Assert.Equal(5, augmentation.LargestRotation);
            Assert.Empty(augmentation.Problems());
        }

        Assert.Contains(
            "known are none, light, standard, strong", Assert.Throws<ArgumentException>(
                () => AugmentationPreset.For("extreme", data)).Message, StringComparison.Ordinal);
        Assert.Equal(
            "moved by up to 2 pixels, not mirrored, 2 random operations of strength 0.3 (turned by at most 1.5°), a part erased from 25 %, "
            + "mixed in pairs (α 0.2)",
            AugmentationPreset.For("strong", data).Describe());
    }

    [Fact]
    public void What_is_out_of_range_is_listed()
    {
        var wrong =
            new Augmentation(-1, false)
            {
                ColorJitter = 1,
                Erasing = 2,
                PolicyOperations = 9,
                PolicyMagnitude = double.NaN,
                LargestRotation = -1,
                Mixup = 1.5
            };
        Assert.Equal(7, wrong.Problems().Count());
    }

    private static List<string> Epoch(Augmentation augmentation, int workers, int first = 0, int epoch = 1)
    {
        var batches = new List<string>();
        foreach (var batch in BatchSource.ForTraining(Images, Normalization, 16, augmentation, seed: 9, epoch).From(first, workers))
        {
            var weights = batch.IsMixed ? string.Join(",", batch.Weights.ToArray()) : "";
            batches.Add(
                $"{string.Join(",", batch.Labels.ToArray())}:{weights}:"
                + string.Join(",", batch.Images.ToArray().Select(BitConverter.SingleToInt32Bits)));
        }

        return batches;
    }
}
