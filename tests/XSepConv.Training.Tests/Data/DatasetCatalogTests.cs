namespace XSepConv.Training.Tests;

public sealed class DatasetCatalogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private DatasetOptions Options => new()
    {
        SystemDirectory = _folder.At("system"),
        CacheDirectory = _folder.At("cache"),
        AllowDownload = false,
    };

    [Fact]
    public void The_names_are_those_of_the_documentation() =>
        Assert.Equal(
            ["shapes", "fashion-mnist", "mnist", "cifar-10", "cifar-100", "svhn", "svhn-extra", "tiny-imagenet", "folder"],
            DatasetCatalog.Names);

    [Theory]
    [InlineData("fashon-mnist", "Did you mean 'fashion-mnist'?")]
    [InlineData("MNIST", "Did you mean 'mnist'?")]
    [InlineData("shape", "Did you mean 'shapes'?")]
    public void An_unknown_name_gets_the_nearest(string name, string hint) =>
        Assert.Contains(hint, Assert.Throws<ArgumentException>(() => Sets.Open(name, Options)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_name_that_is_like_none_gets_the_list()
    {
        var message = Assert.Throws<ArgumentException>(() => Sets.Open("imagenet-21k", Options)).Message;
        Assert.DoesNotContain("Did you mean", message, StringComparison.Ordinal);
        Assert.Contains(
            "known are shapes, fashion-mnist, mnist, cifar-10, cifar-100, svhn, svhn-extra, tiny-imagenet, folder", message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("root", true)]
    [InlineData("root/mnist", true)]
    [InlineData("system/mnist", false)]
    [InlineData("cache/mnist", false)]
    public void The_files_are_found_in_every_place(string place, bool isRoot)
    {
        IdxBytes.WriteSet(_folder.At(place));
        var data = Sets.Open("mnist", Options with { DataRoot = isRoot ? _folder.At("root") : null });
        Assert.Equal(_folder.At(place), data.Source);
        Assert.Equal((110, 10, 30), (data.Train.Count, data.Validation.Count, data.Test.Count));
        Assert.False(data.IsSynthetic);
    }

    [Fact]
    public void The_data_root_comes_before_the_other_places()
    {
        IdxBytes.WriteSet(_folder.At("root"));
        IdxBytes.WriteSet(_folder.At("system/mnist"), training: 60);
        Assert.Equal(110, Sets.Open("mnist", Options with { DataRoot = _folder.At("root") }).Train.Count);
    }

    [Fact]
    public void A_set_that_is_nowhere_names_every_place_and_why()
    {
        IdxBytes.WriteSet(_folder.At("root/mnist"));
        File.Delete(_folder.At("root/mnist/t10k-labels-idx1-ubyte.gz"));
        Directory.CreateDirectory(_folder.At("system/mnist"));
        var message = Assert.Throws<DatasetNotFoundException>(
            () => Sets.Open("mnist", Options with { DataRoot = _folder.At("root") })).Message;
        Assert.Contains($"data root {_folder.At("root")}: has none of the files", message, StringComparison.Ordinal);
        Assert.Contains($"data root {_folder.At("root/mnist")}: lacks t10k-labels-idx1-ubyte.gz", message, StringComparison.Ordinal);
        Assert.Contains($"system folder {_folder.At("system/mnist")}: has none of the files", message, StringComparison.Ordinal);
        Assert.Contains($"cache {_folder.At("cache/mnist")}: no such folder", message, StringComparison.Ordinal);
        Assert.Contains("download: not allowed", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_data_root_that_is_no_folder_is_refused() =>
        Assert.Throws<DirectoryNotFoundException>(() => Sets.Open("mnist", Options with { DataRoot = _folder.At("nowhere") }));

    [Fact]
    public void Counts_that_disagree_are_refused_with_both_files()
    {
        IdxBytes.WriteSet(_folder.At("root"));
        File.WriteAllBytes(_folder.At("root/train-labels-idx1-ubyte.gz"), IdxBytes.Gzip(IdxBytes.Labels(1, 2, 3)));
        var message = Assert.Throws<InvalidDataException>(() => Sets.Open("mnist", Options with { DataRoot = _folder.At("root") })).Message;
        Assert.Contains("train-labels-idx1-ubyte.gz: holds 3 labels, but", message, StringComparison.Ordinal);
        Assert.Contains("train-images-idx3-ubyte.gz holds 120 images", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_without_a_class_is_refused()
    {
        IdxBytes.WriteSet(_folder.At("root"), test: 2);
        File.WriteAllBytes(_folder.At("root/t10k-labels-idx1-ubyte.gz"), IdxBytes.Gzip(IdxBytes.Labels(1, 10)));
        var message = Assert.Throws<InvalidDataException>(() => Sets.Open("mnist", Options with { DataRoot = _folder.At("root") })).Message;
        Assert.Contains("holds label 10; mnist has 10 classes, so 0 to 9 are right", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Training_and_test_images_of_different_sizes_are_refused()
    {
        IdxBytes.WriteSet(_folder.At("root"));
        File.WriteAllBytes(_folder.At("root/t10k-images-idx3-ubyte.gz"), IdxBytes.Gzip(IdxBytes.Images(30, 9, 8)));
        Assert.Contains(
            "images are 9×8", Assert.Throws<InvalidDataException>(
                () => Sets.Open("mnist", Options with { DataRoot = _folder.At("root") })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_splits_share_no_image_and_lose_none()
    {
        IdxBytes.WriteSet(_folder.At("root"), training: 600, test: 100);
        var data = Sets.Open("fashion-mnist", Options with { DataRoot = _folder.At("root"), Seed = 3 });
        Assert.Equal((550, 50), (data.Train.Count, data.Validation.Count));
        var train = Numbers(data.Train);
        var validation = Numbers(data.Validation);
        Assert.Equal(Enumerable.Range(0, 600), train.Concat(validation).Order());
        Assert.Equal(Enumerable.Range(600, 100), Numbers(data.Test));

        // Labels went along: WriteSet gave image i the label i % 10.
        Assert.Equal(train.Select(number => number % 10), data.Train.Labels.ToArray());
    }

    [Fact]
    public void The_split_is_decided_by_the_seed()
    {
        IdxBytes.WriteSet(_folder.At("root"));
        int[] Validation(int seed) => Numbers(Sets.Open("mnist", Options with { DataRoot = _folder.At("root"), Seed = seed }).Validation);
        Assert.Equal(Validation(1), Validation(1));
        Assert.NotEqual(Validation(1), Validation(2));
    }

    [Fact]
    public void A_limit_keeps_images_of_the_same_splits()
    {
        IdxBytes.WriteSet(_folder.At("root"));
        var options = Options with { DataRoot = _folder.At("root") };
        var whole = Sets.Open("mnist", options);
        var part = Sets.Open("mnist", options with { Limit = 25 });
        Assert.Equal((25, 10, 25), (part.Train.Count, part.Validation.Count, part.Test.Count));

        // In the order of the whole split.
        Assert.Equal(Numbers(whole.Train).Intersect(Numbers(part.Train)), Numbers(part.Train));
        Assert.Equal(Numbers(whole.Test).Intersect(Numbers(part.Test)), Numbers(part.Test));
        Assert.Throws<ArgumentException>(() => Sets.Open("mnist", options with { Limit = 1 }));
    }

    [Fact]
    public void Debian_s_Fashion_MNIST_is_what_its_paper_says()
    {
        if (!File.Exists("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz"))
        {
            Assert.Skip("Debian's dataset-fashion-mnist is not installed.");
        }

        var data = Sets.Open("fashion-mnist", new() { AllowDownload = false, CacheDirectory = _folder.Path });
        Assert.Equal((55_000, 5_000, 10_000), (data.Train.Count, data.Validation.Count, data.Test.Count));
        Assert.Equal((1, 28, 28), (data.Train.Channels, data.Train.Height, data.Train.Width));

        // 6,000 training and 1,000 test images of each class (arXiv 1708.07747, section 2).
        var labels = data.Train.Labels.ToArray().Concat(data.Validation.Labels.ToArray());
        Assert.All(labels.CountBy(label => label), count => Assert.Equal(6_000, count.Value));
        Assert.All(data.Test.Labels.ToArray().CountBy(label => label), count => Assert.Equal(1_000, count.Value));

        // Widely published for the 60,000: mean 0.2860, standard deviation 0.3530. 55,000 of them are within 0.001.
        Assert.Equal(0.2860, data.Normalization.Mean[0], 1e-3);
        Assert.Equal(0.3530, data.Normalization.Std[0], 1e-3);
    }

    private static int[] Numbers(ImageSplit split) => [.. Enumerable.Range(0, split.Count).Select(i => IdxBytes.NumberOf(split.Image(i)))];
}
