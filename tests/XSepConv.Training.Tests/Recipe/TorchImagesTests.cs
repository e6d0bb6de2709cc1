using TorchSharp;
using static TorchSharp.torch;
using Items = System.Collections.Generic.Dictionary<string, TorchSharp.torch.Tensor>;

namespace XSepConv.Training.Tests;

/// <summary>The bytes of other data sets, and whose their tensors are.</summary>
[Collection(TorchTests.Name)]
public sealed class TorchImagesTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string> TorchVisionSets => ["mnist", "fashion-mnist", "kmnist"];

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Images_that_no_array_holds_are_refused_by_their_number_and_size()
    {
        var error = Assert.Throws<ArgumentException>(() => new TorchPixels(20_000, 3 * 224 * 224));
        Assert.StartsWith("20,000 images of 150,528 bytes are more than the 2,147,483,591 that one array holds", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(TorchVisionSets))]
    public void TorchVision_s_sets_give_the_bytes_of_their_files(string name)
    {
        byte[] ramp = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];
        byte[] pixels = [.. ramp, .. ramp.Reverse(), .. Enumerable.Repeat((byte)0, 256), .. Enumerable.Repeat((byte)129, 256)];
        using var folder = new TemporaryFolder();
        var directory = Directory.CreateDirectory(folder.At(Path.Combine(name, "test_data"))).FullName;
        File.WriteAllBytes(Path.Combine(directory, "train-images-idx3-ubyte"), IdxBytes.Images(4, 16, 16, pixels));
        File.WriteAllBytes(Path.Combine(directory, "train-labels-idx1-ubyte"), IdxBytes.Labels(3, 1, 4, 1));
        using var dataset = name switch
        {
            "mnist" => torchvision.datasets.MNIST(folder.Path, train: true),
            "fashion-mnist" => torchvision.datasets.FashionMNIST(folder.Path, train: true),
            _ => torchvision.datasets.KMNIST(folder.Path, train: true),
        };

        var split = dataset.ToImageSplit();

        Assert.Equal(pixels, split.ToArray());
        Assert.Equal([3, 1, 4, 1], split.Labels.ToArray());
    }

    [Fact]
    public void Batches_are_in_memory_whatever_the_default_device()
    {
        set_default_device(META);
        try
        {
            using var batches = new TrainingRecipe { BatchSize = 2 }.Batches(RunFolder.Data, epoch: 1).GetEnumerator();
            Assert.True(batches.MoveNext());
            Assert.Equal(DeviceType.CPU, batches.Current.Images.device_type);
            using var one = new TorchDataset(RunFolder.Data.Train, RunFolder.Data.Normalization);
            Assert.All(one.GetTensor(0).Values, tensor => Assert.Equal(DeviceType.CPU, tensor.device_type));
        }
        finally
        {
            set_default_device(CPU);
        }
    }

    // Bytes over 255 and over 256 meet in 0 alone; a picture of whole 256ths may be of neither.
    [Fact]
    public void One_image_of_other_numbers_says_that_they_are_of_255()
    {
        Tensor[] images = [full([1, 1, 2], 0.75f), zeros(1, 1, 2), full([1, 1, 2], 0.1f), full([1, 1, 2], 0.75f), ones(1, 1, 2)];
        Assert.Equal([192, 192, 0, 0], Bytes(images[..2]));
        Assert.Equal([191, 191, 0, 0, 26, 26], Bytes(images[..3]));
        Assert.Equal([191, 191, 0, 0, 26, 26, 191, 191], Bytes(images[..4]));
        Assert.Equal([191, 191, 0, 0, 255, 255], Bytes([.. images[..2], images[4]]));

        // Bytes are what they are.
        Assert.Equal([191, 191, 7, 7, 26, 26], Bytes([images[0], full([1, 1, 2], 7, dtype: ScalarType.Byte), images[2]]));

        foreach (var type in new[] { ScalarType.Float16, ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float64 })
        {
            var ramp = arange(0, 256, dtype: ScalarType.Float64).view(1, 16, 16);
            Assert.Equal(Enumerable.Range(0, 256).Select(value => (byte)value), Bytes([ramp.div(255).to(type)]));
        }

        static byte[] Bytes(Tensor[] images) => new Kept(images.Length, i => Item(images[i])).ToImageSplit().ToArray();
    }

    [Fact]
    public void What_a_set_keeps_stays_its_own()
    {
        var items = new Items?[3];
        var one = new Kept(3, i => items[i] ??= Item(full([1, 2, 2], i / 255.0)));
        Assert.Equal(one.ToImageSplit().ToArray(), one.ToImageSplit().ToArray());

        // What it gives may be a part of what it keeps.
        Tensor? all = null;
        var other = new Kept(3, i => Item((all ??= arange(12, dtype: ScalarType.Float32).div(255).view(3, 1, 2, 2))[i]));
        Assert.Equal(other.ToImageSplit().ToArray(), other.ToImageSplit().ToArray());
        Assert.Equal(11, other.ToImageSplit().ToArray()[^1]);
    }

    private static Items Item(Tensor image) => new() { ["data"] = image, ["label"] = tensor(0L) };

    private sealed class Kept(int count, Func<int, Items> item) : utils.data.Dataset
    {
        public override long Count => count;

        public override Items GetTensor(long index) => item((int)index);
    }
}
