namespace XSepConv.Training.Tests;

public sealed class FolderDatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private DatasetOptions Options => new() { DataRoot = _folder.At("root"), CacheDirectory = _folder.At("cache"), ImageSize = 32 };

    [Fact]
    public void A_folder_for_each_class_is_split_by_names_and_by_the_seed()
    {
        var data = Sets.Open("folder", Options with { DataRoot = Fixture.At("folder") });
        Assert.Equal(["cat", "dog", "eel"], data.ClassNames);

        // 6 + 5 + 4 images; one test image in ten of each class, at least one; of the others one in twelve of each class, at least one,
        // validates.
        Assert.Equal((9, 3, 3), (data.Train.Count, data.Validation.Count, data.Test.Count));
        Assert.Equal([0, 1, 2], data.Test.Labels.ToArray());
        Assert.Equal(
            [5, 4, 3], Enumerable.Range(0, 3).Select(
                label => data.Train.Labels.ToArray().Concat(data.Validation.Labels.ToArray()).Count(l => l == label)));
        Assert.Equal((3, 32, 32), (data.Train.Channels, data.Train.Height, data.Train.Width));
        Assert.Equal(Fixture.At("folder"), data.Source);

        var other = Sets.Open("folder", Options with { DataRoot = Fixture.At("folder"), Seed = 5 });
        Assert.Equal(data.Test.Fingerprint(), other.Test.Fingerprint());
        Assert.NotEqual(data.Train.Fingerprint(), other.Train.Fingerprint());
    }

    [Theory]
    [InlineData("train", "val", "test", 4, 2, 2)]
    [InlineData("train", "validation", "test", 4, 2, 2)]
    [InlineData("train", "val", null, 2, 2, 2)]
    [InlineData("train", null, "test", 2, 2, 2)]
    public void Folders_for_the_splits_are_taken_as_they_are(
        string train, string? validation, string? test, int inTrain, int inValidation, int inTest)
    {
        Write(train, 2);
        if (validation is not null) Write(validation, 1);
        if (test is not null) Write(test, 1);
        var data = Sets.Open("folder", Options);
        Assert.Equal((inTrain, inValidation, inTest), (data.Train.Count, data.Validation.Count, data.Test.Count));
    }

    [Fact]
    public void Another_size_is_another_set()
    {
        Write("", 3);
        Assert.Equal(32, Sets.Open("folder", Options).Train.Width);
        Assert.Equal(48, Sets.Open("folder", Options with { ImageSize = 48 }).Train.Width);
        Assert.Equal(2, Directory.GetFiles(_folder.At("cache/folder")).Length);
    }

    [Fact]
    public void Another_layout_keeps_images_of_its_own()
    {
        Write("train", 3);
        Write("test", 3);
        foreach (var layout in new[] { FolderLayout.Flat, FolderLayout.Splits }) Sets.Open("folder", Options with { Layout = layout });
        Assert.Equal(2, Directory.GetFiles(_folder.At("cache/folder")).Length);
    }

    /// <summary>The pictures of one class change places with those of the other; names, lengths and times stay.</summary>
    [Fact]
    public void Other_pictures_under_the_same_names_are_other_images()
    {
        var time = new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        Write("", 3);
        string[] classes = [.. Directory.GetDirectories(_folder.At("root")).Order(StringComparer.Ordinal).Take(2)];
        Fill(0, 200);
        var first = Sets.Open("folder", Options).Test;
        Fill(200, 0);
        var second = Sets.Open("folder", Options).Test;
        Assert.NotEqual(first.Fingerprint(), second.Fingerprint());

        void Fill(params byte[] values)
        {
            foreach (var (name, value) in classes.Zip(values))
            {
                foreach (var file in Directory.GetFiles(name))
                {
                    // What follows its end is no part of a PNG.
                    var bytes = new byte[500];
                    PictureFolder.Grey(value).CopyTo(bytes, 0);
                    File.WriteAllBytes(file, bytes);
                    File.SetLastWriteTimeUtc(file, time);
                }
            }
        }
    }

    [Fact]
    public void A_data_root_is_needed() =>
        Assert.Contains(
            "needs a data root", Assert.Throws<ArgumentException>(
                () => Sets.Open("folder", Options with { DataRoot = null })).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a/1.png,a/2.png,a/3.png", "holds 1 folders with images")]
    [InlineData("a/1.png,a/2.png,a/3.png,b/readme.txt", "holds no PNG or JPEG file")]
    [InlineData("a/1.png,a/2.png,a/3.png,b/1.png,b/2.png", "/b: holds 2 images; three at least")]
    [InlineData("deep/a/1.png,deep/a/2.png,deep/a/3.png,deep/b/1.png,deep/b/sub/2.png", "/deep/b: holds 2 images; three at least")]
    [InlineData("a/1.png,a/2.png,a/3.png,b/1.webp", "1.webp: is a WebP file; PNG and JPEG are read")]
    [InlineData("val/a/1.png,val/b/1.png", "has a folder val but none called train")]
    [InlineData("train/a/1.png,train/b/1.png", "neither val nor test")]
    [InlineData("train/a/1.png,train/b/1.png,test/c/1.png", "has the class 'c', which train does not have.")]
    [InlineData("train/a/1.png,train/b/1.png,test/B/1.png", "has the class 'B', which train does not have (it has 'b'; "
        + "upper and lower case count)")]
    [InlineData("train/a/1.png,train/caf\u00e9/1.png,test/cafe\u0301/1.png", "which train does not have (names are compared character by "
        + "character; archives from macOS")]
    [InlineData("train/images/1.png,train/labels/1.txt,test/images/1.png,test/labels/1.txt", "holds 'images', 'labels', "
        + "which looks like pictures and what is to be found in them")]
    public void Another_layout_is_refused_with_what_would_be_right(string files, string reason)
    {
        foreach (var file in files.Split(',')) Put(file, Fixture.Bytes("images/rgb.png"));
        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => Sets.Open("folder", Options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_image_is_named_and_nothing_is_kept()
    {
        Write("", 3);
        Put("b/9.jpg", "not an image"u8.ToArray());
        var message = Assert.Throws<InvalidDataException>(() => Sets.Open("folder", Options)).Message;
        Assert.StartsWith($"{_folder.At("root/b/9.jpg")}: is neither a PNG nor a JPEG file", message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.At("cache/folder")));
    }

    private void Write(string split, int perClass)
    {
        foreach (var name in new[] { "a", "b" })
        {
            for (var i = 0; i < perClass; i++)
            {
                Put($"{split}/{name}/{i}.png", Fixture.Bytes(i % 2 == 0 ? "images/rgb.png" : "images/baseline.jpg"));
            }
        }
    }

    private void Put(string name, byte[] bytes)
    {
        var path = _folder.At("root/" + name.TrimStart('/'));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }
}
