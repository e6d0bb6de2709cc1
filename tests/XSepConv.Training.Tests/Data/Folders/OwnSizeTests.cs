namespace XSepConv.Training.Tests;

/// <summary>The size that a folder's pictures are taken in where none is asked for.</summary>
public sealed class OwnSizeTests : IDisposable
{
    private readonly PictureFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_first_bytes_of_every_picture_say_the_size_that_it_decodes_to()
    {
        var seen = 0;
        foreach (var path in Directory.GetFiles(Fixture.At("kinds")).Where(path => File.Exists($"{path}.expected")))
        {
            var (_, width, height) = ImageDecoder.DecodeWhole(File.ReadAllBytes(path), path, Rgb.White);
            var size = OwnSize.SizeOf(path);

            // As it is stored: a picture that lies turned has them the other way round.
            Assert.True(size == (width, height) || size == (height, width), $"{path}: {size}, not {width}×{height}");
            seen++;
        }

        Assert.True(seen > 30, $"{seen} pictures");
    }

    [Fact]
    public void No_file_keeps_it_from_ending_and_none_is_an_error()
    {
        byte[] jpeg = File.ReadAllBytes(Fixture.At("kinds/420.jpg"));
        for (var length = 0; length < jpeg.Length; length += 7) Assert.True(Of(jpeg[..length]) is null || length > 100, $"{length} bytes");

        byte[] start = [0xFF, 0xD8, 0xFF];
        foreach (var filler in new byte[] { 0, 0xFF, 0xE0, 0xC0 }) Assert.Null(Of([.. start, .. Enumerable.Repeat(filler, 100_000)]));
        Assert.Null(OwnSize.SizeOf(_folder.At("a/none.png")));
    }

    /// <summary>Two segments of 60,000 bytes each, as cameras write previews, in front of all else.</summary>
    [Fact]
    public void A_size_that_stands_far_from_the_beginning_is_found()
    {
        byte[] jpeg = File.ReadAllBytes(Fixture.At("kinds/420.jpg")), preview = [0xFF, 0xE5, 0xEA, 0x62, .. new byte[60_000]];
        Assert.NotNull(Of(jpeg));
        Assert.Equal(Of(jpeg), Of([.. jpeg[..2], .. preview, .. preview, .. jpeg[2..]]));
    }

    [Fact]
    public void What_has_no_size_is_read_once_and_no_further_than_one_may_stand()
    {
        const int First = 1 << 16;
        byte[] png = File.ReadAllBytes(Fixture.At("kinds/rgb.png"));
        png[17] = 0xFF;
        foreach (var (start, length) in new (byte[], int)[] { ([0xFF, 0xD8, 0xFF], First), ("BM"u8.ToArray(), 4 << 20), (png, 4 << 20) })
        {
            byte[] file = [.. start, .. new byte[length - start.Length]];
            Assert.Null(Of(file));
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Null(OwnSize.SizeOf(_folder.At("a/picture.jpg")));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, First, First * 3 / 2);
        }
    }

    private (int Width, int Height)? Of(byte[] file)
    {
        _folder.Write("a/picture.jpg", file);
        return OwnSize.SizeOf(_folder.At("a/picture.jpg"));
    }

    [Fact]
    public void Pictures_of_one_size_keep_it_and_others_are_scaled_to_64()
    {
        var picture = File.ReadAllBytes(Fixture.At("kinds/420.jpg"));
        var (_, width, height) = ImageDecoder.DecodeWhole(picture, "420.jpg", Rgb.White);
        var side = Math.Min(width, height);
        Assert.InRange(side, 8, 63);
        for (var i = 0; i < 6; i++) Write($"{(i % 2 == 0 ? "a" : "b")}/{i}.jpg", picture, i);
        var options = _folder.Options with { ImageSize = null };
        var own = Sets.Open("folder", options);
        Assert.Equal((side, side), (own.Train.Height, own.Train.Width));
        Assert.Equal(side / 8, own.Augmentation.CropPadding);
        Assert.Equal(width == height ? 0 : 1,
            own.Findings.Warnings.Count(note => note.Contains("middle squares are taken", StringComparison.Ordinal)));

        // The size asked for is the same set: nothing is decoded twice.
        Assert.Equal(own.Train.Fingerprint(), Sets.Open("folder", options with { ImageSize = side }).Train.Fingerprint());

        _folder.Put("a/small.png");
        var mixed = Sets.Open("folder", options);
        Assert.Equal((64, 64), (mixed.Train.Height, mixed.Train.Width));
        Assert.Contains(mixed.Findings.Warnings, note => note.StartsWith("pictures have several sizes, such as ", StringComparison.Ordinal)
            && note.Contains("scaled to 64×64", StringComparison.Ordinal));
        Assert.DoesNotContain(
            Sets.Open("folder", options with { ImageSize = 16 }).Findings.Warnings, note =>
                note.Contains("middle", StringComparison.Ordinal));
    }

    [Fact]
    public void Pictures_too_small_to_learn_from_are_scaled_too()
    {
        _folder.Fill(3, "a", "b");
        var data = Sets.Open("folder", _folder.Options with { ImageSize = null });
        Assert.Equal(64, data.Train.Height);
        Assert.Contains(data.Findings.Warnings, note => note.Contains("scaled to 64×64", StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_is_mirrored_only_where_that_is_asked_for()
    {
        _folder.Fill(3, "a", "b");
        var data = _folder.Open();
        var options = new TrainingOptions { Network = TorchTests.Spec(2), OutputDirectory = "x" };
        Assert.False(options.AugmentationFor(data).HorizontalFlip);
        Assert.Contains("not mirrored", options.AugmentationFor(data).Describe(), StringComparison.Ordinal);
        var asked = options with { Recipe = new() { HorizontalFlip = true } };
        Assert.True(asked.AugmentationFor(data).HorizontalFlip);
        Assert.Equal(("no", "yes"), (RunSettings.Of(options, data)["horizontal flip"], RunSettings.Of(asked, data)["horizontal flip"]));
        Assert.False((options with { Recipe = new() { HorizontalFlip = false, Augmentation = "strong" } }).AugmentationFor(
            data).HorizontalFlip);
    }

    private void Write(string name, byte[] picture, int number) => _folder.Write(name, [.. picture, .. BitConverter.GetBytes(number)]);
}
