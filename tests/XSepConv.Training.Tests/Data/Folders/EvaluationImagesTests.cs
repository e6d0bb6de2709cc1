using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

/// <summary>A network measured on a folder: classes by name, in the network's order.</summary>
[Collection(TorchTests.Name)]
public sealed class EvaluationImagesTests : IDisposable
{
    private static readonly string[] Known = ["cat", "ant", "dog"];

    private readonly PictureFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private EvaluationImages Open(EvaluatedSplit? split = null, FolderLayout layout = FolderLayout.Auto, int? limit = null) =>
        EvaluationImages.OfFolder(
            _folder.Options with { Layout = layout, Limit = limit }, split, Known, null, TestContext.Current.CancellationToken);

    private string Refusal(EvaluatedSplit? split = null) => Assert.Throws<InvalidDataException>(() => Open(split)).Message;

    [Fact]
    public void A_folder_without_splits_is_measured_as_a_whole_by_the_names_of_its_classes()
    {
        _folder.Fill(2, "ant").Fill(1, "dog");
        var images = Open();
        Assert.Equal((EvaluatedSplit.All, 3), (images.Split, images.Images.Count));

        // The network's order: ant is its second class, dog its third; by place in the folder they would be the first and second.
        Assert.Equal([1, 1, 2], images.Images.Labels.ToArray());
    }

    [Fact]
    public void One_class_is_enough_and_its_folders_are_not_taken_for_classes()
    {
        _folder.Fill(1, "cat/indoors", "cat/outdoors");
        Assert.Equal([0, 0], Open().Images.Labels.ToArray());
    }

    [Theory]
    [InlineData(null, 5)]
    [InlineData("Test", 5)]
    [InlineData("Val", 3)]
    [InlineData("Train", 9)]
    [InlineData("All", 17)]
    public void Of_a_folder_with_splits_the_one_asked_for_is_measured(string? split, int count)
    {
        _folder.Fill(4, "train/cat").Fill(5, "train/dog").Fill(3, "val/dog").Fill(5, "test/ant");
        Assert.Equal(count, Open(split is null ? null : Enum.Parse<EvaluatedSplit>(split)).Images.Count);
    }

    [Fact]
    public void Val_without_test_is_the_test_split_as_in_training()
    {
        _folder.Fill(4, "train/cat").Fill(3, "val/dog");
        Assert.Equal((EvaluatedSplit.Test, 3), (Open().Split, Open().Images.Count));
        Assert.Contains("its folder val is the test split", Refusal(EvaluatedSplit.Val), StringComparison.Ordinal);
    }

    [Fact]
    public void Other_pictures_of_the_same_names_are_other_test_images()
    {
        _folder.Fill(40, "ant", "cat", "dog");
        var digest = _folder.Open().TestDigest!;
        Assert.True(Open(EvaluatedSplit.Test).AreTestImages!(digest));

        // Of an earlier version: SHA-256 over the names alone.
        var folder = ImageFolder.ToLearn(_folder.Root, FolderLayout.Auto, TestContext.Current.CancellationToken);
        var names = FolderSplits.TestOf(folder, folder.Files[0], _folder.Root).Select(place => folder.Files[0][place].FromClass);
        var ofNames = FolderDataset.Digest(names.Order(StringComparer.Ordinal));
        Assert.True(Open(EvaluatedSplit.Test).AreTestImages!(ofNames));
        _folder.Fill(40, "cat");
        Assert.False(Open(EvaluatedSplit.Test).AreTestImages!(digest));
        Assert.True(Open(EvaluatedSplit.Test).AreTestImages!(ofNames));
    }

    [Fact]
    public void The_test_images_are_the_same_whichever_folder_around_the_classes_is_named()
    {
        _folder.Fill(40, "pets/ant", "pets/cat", "pets/dog");
        var trained = _folder.Open();
        var inner = EvaluationImages.OfFolder(
            _folder.Options with { DataRoot = _folder.At("pets") }, EvaluatedSplit.Test, Known, null, TestContext.Current.CancellationToken);
        Assert.Equal(trained.Test.ToArray(), inner.Images.ToArray());
        Assert.True(inner.AreTestImages!(trained.TestDigest!) && Open(EvaluatedSplit.Test).AreTestImages!(trained.TestDigest!));
        Assert.Null(Open(EvaluatedSplit.Train).AreTestImages);

        // Of the usual case, root/class/file, they are those that they have always been: the lowest SHA-256 of class/file.
        var expected = Enumerable.Range(0, 40).Select(i => $"ant/{i}.png").OrderBy(name => Convert.ToHexString(
            System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name))), StringComparer.Ordinal).Take(4);
        var options = new DatasetOptions { DataRoot = _folder.At("pets"), CacheDirectory = _folder.Outside("cache"), ImageSize = 8 };
        var folder = ImageFolder.ToLearn(options.DataRoot, FolderLayout.Auto, TestContext.Current.CancellationToken);
        var test = FolderSplits.TestOf(folder, folder.Files[0], options.DataRoot).Select(place => folder.Files[0][place].Name);
        Assert.Equal(expected.Order(StringComparer.Ordinal), test.Where(name => name.StartsWith("ant/", StringComparison.Ordinal)));
    }

    [Fact]
    public void Of_a_folder_without_splits_test_is_what_training_kept_apart()
    {
        _folder.Fill(20, "ant", "cat", "dog");
        var trained = _folder.Open();
        Assert.Equal(trained.Test.ToArray(), Open(EvaluatedSplit.Test).Images.ToArray());
        Assert.Equal(54, Open(EvaluatedSplit.Train).Images.Count);
        Assert.Contains("drawn by its seed", Refusal(EvaluatedSplit.Val), StringComparison.Ordinal);
    }

    [Fact]
    public void Classes_that_the_network_does_not_know_are_refused_with_those_it_knows()
    {
        _folder.Fill(1, "cat", "Dog", "eel");
        var message = Refusal();
        Assert.Contains(
            "the network does not know 2 classes, 'Dog', 'eel'; it tells apart 'cat', 'ant', 'dog'.", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x.png", "holds no folder with images, and 1 pictures without one")]
    [InlineData("cat/readme.txt", "holds no folder with images")]
    [InlineData("train/cat/0.png,cat/0.png", "called like splits, beside 'cat'")]
    public void A_folder_without_classes_is_refused(string files, string reason)
    {
        _folder.Put(files.Split(','));
        Assert.Contains(reason, Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_split_that_is_not_there_is_refused()
    {
        _folder.Fill(4, "train/cat").Fill(3, "test/dog");
        Assert.Contains("has no image of the split 'val'", Refusal(EvaluatedSplit.Val), StringComparison.Ordinal);
    }

    [Fact]
    public void A_limit_draws_evenly()
    {
        _folder.Fill(9, "ant", "cat", "dog");
        Assert.Equal([2, 2, 2], Open(limit: 6).Images.Labels.ToArray().CountBy(label => label).Select(count => count.Value));
    }

    [Fact]
    public void A_limit_below_the_number_of_classes_is_told_of()
    {
        _folder.Fill(9, "ant", "cat", "dog");
        Assert.Contains(
            Open(limit: 2).Findings.Warnings, warning => warning.Contains("is below the 3 classes", StringComparison.Ordinal));
        Assert.Empty(Open(limit: 3).Findings.Warnings);
    }

    [Fact]
    public void What_classes_were_taken_for_is_counted()
    {
        // Worked by hand. The network says 0 for black, 1 for grey, 2 for white. Class 0: black, black, white. Class 1: none. Class 2:
        // white, grey.
        byte[] pixels = [0, 0, 255, 255, 128];
        var images = new ImageSplit(pixels, new[] { 0, 0, 0, 2, 2 }, 1, 1, 1);
        using var network = new Brightness();
        var (result, confusion) = Evaluator.EvaluateByClass(
            network, images, new ImageNormalization([0], [1]), batchSize: 2, cancel: TestContext.Current.CancellationToken);
        Assert.Equal((3 / 5.0, 5), (result.Top1, result.Images));
        long[][] expected = [[2, 0, 1], [0, 0, 0], [0, 1, 1]];
        for (var actual = 0; actual < 3; actual++)
        {
            Assert.Equal(expected[actual], Enumerable.Range(0, 3).Select(predicted => confusion[actual, predicted]));
        }

        Assert.Equal([2 / 3.0, null, 1 / 2.0], Enumerable.Range(0, 3).Select(confusion.Top1Of));
        Assert.Equal((2 / 3.0 + (1 / 2.0)) / 2, confusion.MeanTop1(), 15);
    }

    /// <summary>The likeliest class is the one of 0, ½ and 1 that the pixel is nearest to.</summary>
    private sealed class Brightness() : nn.Module<Tensor, Tensor>("brightness")
    {
        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            return (input.reshape(-1, 1) - tensor(new[] { 0f, 0.5f, 1f }).reshape(1, 3)).square().neg().MoveToOuterDisposeScope();
        }
    }
}
