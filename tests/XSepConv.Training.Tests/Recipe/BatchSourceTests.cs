namespace XSepConv.Training.Tests;

public sealed class BatchSourceTests
{
    private static readonly ImageSplit Images = ShapesDataset.Split(0, seed: 1, count: 70);
    private static readonly ImageNormalization Normalization = ImageNormalization.Of(Images);

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void Batches_do_not_depend_on_how_many_are_prepared_at_once(int ahead) => Assert.Equal(Hash(Epoch(1, 2)), Hash(Epoch(1, ahead)));

    [Fact]
    public void A_pass_that_starts_later_gives_the_same_batches_from_there() =>
        Assert.Equal(Hash(Epoch(1, 2)[1..]), Hash(Epoch(1, 2, first: 1)));

    [Fact]
    public void Epochs_have_other_orders_and_other_augmentations()
    {
        Assert.NotEqual(Hash(Epoch(1, 2)), Hash(Epoch(2, 2)));

        // Unshuffled pixels of one image differ between epochs too: with 25 moves, 20 epochs can't all agree.
        var seen = new HashSet<string>();
        for (var epoch = 0; epoch < 20; epoch++)
        {
            var target = new float[Images.ImageBytes];
            new Augmentation(2, false).Apply(
                Images.Image(0), 3, 32, 32, Normalization, CounterRandom.For(1, CounterRandom.Stream.Augmentation, epoch, 0), target);
            seen.Add(string.Join(",", target.Take(200)));
        }

        Assert.InRange(seen.Count, 2, 20);
    }

    [Fact]
    public void An_epoch_has_whole_batches_of_different_images()
    {
        var batches = Epoch(1, 2);
        Assert.Equal(4, batches.Count);
        Assert.All(batches, batch => Assert.Equal(16, batch.Labels.Length));
        Assert.Equal(
            64, batches.SelectMany(
                batch => batch.Images.Chunk(Images.ImageBytes)).Select(image => string.Join(",", image.Take(600))).Distinct().Count());
    }

    [Fact]
    public void A_split_smaller_than_a_batch_is_one_batch() => Assert.Equal(1, BatchSource.StepsOf(Images, 100));

    [Fact]
    public void A_batch_that_no_tensor_s_bytes_hold_is_refused_by_its_size()
    {
        // 171 of 3×1024×1024 are 2³¹ bytes of float32 and more; the pixels of all are those of one.
        var images = new ImageSplit(new byte[3 * 1024 * 1024], new[] { 0 }, 3, 1024, 1024).Select(new int[700]);
        var refused = Assert.Throws<ArgumentException>(() => BatchSource.ForEvaluation(images, Normalization, 171));
        Assert.StartsWith("The batch size is 171, of images of 3×1024×1024 at most 170 can be a batch.", refused.Message);
        Assert.Equal(5, BatchSource.ForEvaluation(images, Normalization, 170).Steps);
        Assert.Contains("batch size is 700, of images of 3×1024×1024 at most 170",
            Assert.Throws<ArgumentException>(() => new TrainingRecipe { BatchSize = 700 }.StepsPerEpoch(images)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluation_sees_every_image_once_and_in_order()
    {
        var labels = new List<long>();
        foreach (var batch in BatchSource.ForEvaluation(Images, Normalization, 16).From(0)) labels.AddRange(batch.Labels.ToArray());
        Assert.Equal(Images.Labels.ToArray().Select(label => (long)label), labels);
    }

    private static List<(float[] Images, long[] Labels)> Epoch(int epoch, int ahead, int first = 0)
    {
        var source = BatchSource.ForTraining(Images, Normalization, 16, new Augmentation(2, true), seed: 9, epoch);
        var batches = new List<(float[], long[])>();
        foreach (var batch in source.From(first, ahead)) batches.Add((batch.Images.ToArray(), batch.Labels.ToArray()));
        return batches;
    }

    private static string Hash(List<(float[] Images, long[] Labels)> batches) =>
        string.Join(
            ";", batches.Select(
                batch => string.Join(",", batch.Labels) + ":" + string.Join(",", batch.Images.Select(BitConverter.SingleToInt32Bits))));
}
