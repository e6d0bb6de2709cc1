namespace XSepConv.Training.Tests;

/// <summary>A file's size is read without its pixels.</summary>
public sealed class ImageSizeTests
{
    [Fact]
    public void Every_kind_of_file_that_is_read_says_its_size()
    {
        foreach (var path in Directory.GetFiles(Fixture.At("kinds")).Where(
            path => Path.GetExtension(path) is ".png" or ".jpg" && File.Exists($"{path}.expected")))
        {
            var file = File.ReadAllBytes(path);
            var (_, width, height) = ImageDecoder.DecodeWhole(file, path, background: null);
            var (columns, rows) = ImageDecoder.ReadSize(file, path);

            // As it is stored: EXIF turns some.
            Assert.Equal((Math.Min(width, height), Math.Max(width, height)), (Math.Min(columns, rows), Math.Max(columns, rows)));
        }
    }

    [Theory]
    [InlineData("rgb.png", 33)]
    [InlineData("progressive.jpg", 400)]
    [InlineData("baseline.jpg", 400)]
    public void Its_beginning_is_enough_and_no_pixels_are_made(string name, int enough)
    {
        var file = Fixture.Bytes($"images/{name}");
        Assert.Equal((28, 20), ImageDecoder.ReadSize(file, name));
        Assert.Throws<InvalidDataException>(() => ImageDecoder.ReadSize(file[..20], name));
        var start = file[..enough];
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal((28, 20), ImageDecoder.ReadSize(start, name));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 16);
    }

    [Fact]
    public void What_is_no_picture_is_refused_as_by_decoding()
    {
        foreach (byte[] file in new byte[][] { [], "GIF89a"u8.ToArray(), PngFile.Magic.ToArray(), JpegFile.Magic.ToArray() })
        {
            var decoding = Assert.Throws<InvalidDataException>(() => ImageDecoder.DecodeWhole(file, "file", Rgb.White));
            Assert.Equal(decoding.Message, Assert.Throws<InvalidDataException>(() => ImageDecoder.ReadSize(file, "file")).Message);
        }
    }
}
