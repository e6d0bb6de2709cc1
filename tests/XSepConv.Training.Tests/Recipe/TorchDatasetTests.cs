using TorchSharp;
using static TorchSharp.torch;
using Items = System.Collections.Generic.Dictionary<string, TorchSharp.torch.Tensor>;

namespace XSepConv.Training.Tests;

/// <summary>Our images as TorchSharp's data sets, and TorchSharp's data sets as our images.</summary>
[Collection(TorchTests.Name)]
public sealed class TorchDatasetTests
{
    private static readonly Augmentation Varied = new(2, true) { ColorJitter = 0.2, Erasing = 0.5 };

    [Fact]
    public void A_loader_gives_the_images_that_the_trainer_sees()
    {
        var (images, normalization) = (RunFolder.Data.Train, RunFolder.Data.Normalization);
        var dataset = new TorchDataset(images, normalization, Varied, seed: 5) { Epoch = 2 };
        Assert.Equal(images.Count, dataset.Count);

        // The trainer's batches of that seed and epoch, put back into the split's order.
        var seen = new float[images.Count][];
        var order = CounterRandom.For(5, CounterRandom.Stream.Order, 2).Permutation(images.Count);
        var at = 0;
        foreach (var batch in BatchSource.ForTraining(images, normalization, 16, Varied, 5, 2).From(0, ahead: 0))
        {
            for (var i = 0; i < batch.Count; i++) seen[order[at++]] = batch.Images.Slice(i * images.ImageBytes,
                images.ImageBytes).ToArray();
        }

        using var scope = NewDisposeScope();
        using var loader = utils.data.DataLoader(dataset, 16, shuffle: false);
        var place = 0;
        foreach (var batch in loader)
        {
            var (data, labels) = (batch["data"], batch["label"]);
            Assert.Equal([data.shape[0], 3, 32, 32], data.shape);
            Assert.Equal(ScalarType.Int64, labels.dtype);
            for (var i = 0; i < data.shape[0]; i++, place++)
            {
                Assert.Equal(images.Labels.Span[place], labels.flatten()[i].ToInt64());
                Assert.Equal(seen[place], data[i].data<float>().ToArray());
            }
        }

        Assert.Equal(images.Count, place);
        dataset.Epoch = 3;
        Assert.NotEqual(seen[0], dataset.GetTensor(0)["data"].data<float>().ToArray());
    }

    [Fact]
    public void What_it_can_t_do_is_refused()
    {
        var (images, normalization) = (RunFolder.Data.Train, RunFolder.Data.Normalization);
        Assert.Contains("Mixup is 0.2", Assert.Throws<ArgumentException>(() =>
            new TorchDataset(images, normalization, Varied with { Mixup = 0.2 })).Message, StringComparison.Ordinal);
        Assert.Contains("crop padding is -1", Assert.Throws<ArgumentException>(() =>
            new TorchDataset(images, normalization, new(-1, false))).Message, StringComparison.Ordinal);
        Assert.Contains("for 1 channels", Assert.Throws<ArgumentException>(() => new TorchDataset(images, new([0], [1]))).Message,
            StringComparison.Ordinal);
        var dataset = new TorchDataset(images, normalization);
        Assert.Throws<ArgumentOutOfRangeException>(() => dataset.GetTensor(images.Count));
        Assert.Throws<ArgumentOutOfRangeException>(() => dataset.Epoch = 0);
    }

    [Fact]
    public void The_trainer_takes_a_data_set_of_TorchSharps()
    {
        using var scope = NewDisposeScope();
        var split = RunFolder.Data.Train;

        // Without normalisation they are bytes / 255.
        var plain = new TorchDataset(split, new([0, 0, 0], [1, 1, 1])).ToImageSplit();
        Assert.Equal(split.ToArray(), plain.ToArray());
        Assert.Equal(split.Labels.ToArray(), plain.Labels.ToArray());

        var made = new Made(4, i => new() { ["x"] = full([1, 2, 3], i + 1, dtype: ScalarType.Byte), ["y"] = tensor(i % 2) });
        var bytes = made.ToImageSplit("x", "y");
        Assert.Equal((1, 2, 3, 4), (bytes.Channels, bytes.Height, bytes.Width, bytes.Count));
        Assert.Equal([0, 1, 0, 1], bytes.Labels.ToArray());
        Assert.Equal(2, bytes.Image(1)[5]);

        using var run = new RunFolder();
        var data = new ImageDataset("mine", RunFolder.Data.ClassNames, plain, plain, plain);
        Assert.True(new Trainer(run.Options with { Recipe = new() { Epochs = 1, BatchSize = 16 } }, data).Run(
            cancel: TestContext.Current.CancellationToken).Completed);
    }

    [Fact]
    public void What_is_no_image_or_no_class_is_refused_by_its_place()
    {
        using var scope = NewDisposeScope();
        var image = zeros(1, 2, 2);
        Wrong("it is empty", 0, _ => []);
        Wrong("item 1 has no 'label' but 'data'", 2, i => i == 0 ? Item(image, 0) : new() { ["data"] = image });
        Wrong("item 0 has the shape [2, 2]; [C, H, W] is right", 1, _ => Item(zeros(2, 2), 0));
        Wrong("item 1 has the shape [1, 2, 3], the first one [1, 2, 2]", 2, i => Item(zeros(1, 2, 2 + i), 0));
        Wrong("item 0 has an image of numbers from -1 to -1; 0 to 1 is right", 1, _ => Item(image - 1, 0));
        Wrong("item 0 has an image of numbers from NaN", 1, _ => Item(full([1, 2, 2], double.NaN), 0));
        Wrong("item 0 has an image of Int64", 1, _ => Item(zeros(1, 2, 2, dtype: ScalarType.Int64), 0));
        Wrong("item 0 has the label -1", 1, _ => Item(image, -1));
        Wrong("item 0 has the label 0.5", 1, _ => Item(image, 0.5));
        Wrong("item 0 has a label of 2 numbers", 1, _ => new() { ["data"] = image, ["label"] = zeros(2) });

        static Items Item(Tensor image, double label) => new() { ["data"] = image, ["label"] = tensor(label) };
        static void Wrong(string expected, int count, Func<int, Items> item) => Assert.Contains(
            expected, Assert.Throws<ArgumentException>(() => new Made(count, item).ToImageSplit()).Message, StringComparison.Ordinal);
    }

    private sealed class Made(int count, Func<int, Items> item) : utils.data.Dataset
    {
        public override long Count => count;

        public override Items GetTensor(long index) => item((int)index);
    }
}
