namespace XSepConv.Training.Tests;

/// <summary>Draws from a folder: of every class its share, and nothing measured that was learned without a word.</summary>
public sealed class FolderSplitTests : IDisposable
{
    private readonly PictureFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Validation_and_test_images_are_drawn_from_every_class_by_its_share()
    {
        // 60, 24 and 4 images: a tenth, at least one, to test; a twelfth of the rest, at least one, to validate.
        _folder.Fill(60, "common").Fill(24, "rare").Fill(4, "rarest");
        for (var seed = 0; seed < 5; seed++)
        {
            var data = Sets.Open("folder", _folder.Options with { Seed = seed });
            Assert.Equal([new("common", 50, 4, 6), new("rare", 21, 1, 2), new("rarest", 2, 1, 1)], data.CountByClass());
            Assert.Empty(data.Findings.Warnings);
        }
    }

    [Fact]
    public void A_class_that_can_spare_none_is_named()
    {
        _folder.Fill(12, "train/a").Fill(1, "train/b").Fill(2, "test/a");
        var data = _folder.Open();
        Assert.Equal([new("a", 11, 1, 2), new("b", 1, 0, 0)], data.CountByClass());
        Assert.Equal(
            ["the validation split has no image of 1 of 2 classes: 'b'.", "the test split has no image of 1 of 2 classes: 'b'."],
            data.Findings.Warnings);
    }

    [Theory]
    [InlineData("a,b", "c")]
    [InlineData("train/a,train/b,test/a,test/b", "train/c")]
    public void A_class_without_a_picture_to_learn_from_is_refused_in_both_layouts(string folders, string empty)
    {
        _folder.Fill(3, folders.Split(','));
        _folder.Write(empty + "/readme.txt", [65]);
        Assert.Contains($"{_folder.At(empty)}: holds no PNG or JPEG file", _folder.Refusal(), StringComparison.Ordinal);
        Directory.Delete(_folder.At(empty), recursive: true);
        Directory.CreateDirectory(_folder.At(empty));
        Assert.Contains($"{_folder.At(empty)}: holds no PNG or JPEG file", _folder.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Pictures_of_the_same_bytes_in_two_splits_are_counted_and_warned_of()
    {
        _folder.Fill(12, "train/a", "train/b").Fill(3, "test/a", "test/b");
        File.Copy(_folder.At("train/a/0.png"), _folder.At("test/a/copy.png"));
        File.Copy(_folder.At("train/b/1.png"), _folder.At("test/b/copy.png"));

        // Twice in one split and one class is no harm.
        File.Copy(_folder.At("test/b/2.png"), _folder.At("test/b/twice.png"));
        var warning = Assert.Single(_folder.Open().Findings.Warnings);
        Assert.StartsWith(
            "2 images of the validation and test splits are also in another split, byte for byte", warning, StringComparison.Ordinal);
        Assert.Contains("train/a/0.png = test/a/copy.png, train/b/1.png = test/b/copy.png", warning, StringComparison.Ordinal);

        // From the cache too.
        Assert.Equal(warning, Assert.Single(_folder.Open().Findings.Warnings));
    }

    [Fact]
    public void Pictures_of_the_same_bytes_in_two_classes_are_counted_and_warned_of()
    {
        _folder.Fill(6, "a", "b");
        foreach (var i in new[] { 0, 1, 2, 3, 4, 5 }) File.Copy(_folder.At($"a/{i}.png"), _folder.At($"b/copy{i}.png"));
        Assert.Contains(
            _folder.Open().Findings.Warnings, warning => warning.StartsWith(
                "12 images have the bytes of one of another class: a/0.png = b/copy0.png, ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_limit_below_the_number_of_classes_is_said()
    {
        _folder.Fill(6, "a", "b", "c");
        var data = Sets.Open("folder", _folder.Options with { Limit = 2 });
        Assert.Equal((2, 2, 2), (data.Train.Count, data.Validation.Count, data.Test.Count));
        Assert.Equal(2, data.Test.Labels.ToArray().Distinct().Count());
        Assert.Contains(
            "the limit of 2 images is below the 3 classes: each split has an image of 2 of them, and none of the others.",
            data.Findings.Warnings);
    }
}
