using static XSepConv.Training.Tests.IdxBytes;

namespace XSepConv.Training.Tests;

public sealed class IdxFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Images_come_back_as_they_were_written(bool gzip)
    {
        byte[] pixels = [1, 2, 3, 4, 5, 6, 250, 251, 252, 253, 254, 255];
        var (read, count, rows, columns) = IdxFile.ReadImages(Write(Images(2, 2, 3, pixels), gzip));
        Assert.Equal((2, 2, 3), (count, rows, columns));
        Assert.Equal(pixels, read);
    }

    [Fact]
    public void Labels_come_back_as_they_were_written() => Assert.Equal([3, 0, 9], IdxFile.ReadLabels(Write(Labels(3, 0, 9))));

    [Fact]
    public void More_than_the_first_megabyte_is_read()
    {
        var bytes = Images(1500, 28, 28);
        Assert.Equal(bytes[16..], IdxFile.ReadImages(Write(bytes)).Pixels);
    }

    public static TheoryData<string, byte[], string> Broken() => new()
    {
        { "empty", [], "ends inside the magic number, after 0 of its 4 bytes" },
        { "labels for images", Labels(1, 2), "magic number is 0x00000801, an IDX file of images has 0x00000803" },
        { "floats", Header(0xD03, 1, 1, 1), "0x00000D03" },
        { "no images", Header(0x803, 0, 28, 28), "number of images is 0" },
        { "negative", Header(0x803, -1, 28, 28), "number of images is 4294967295" },
        { "no rows", Header(0x803, 1, 0, 28), "number of rows is 0" },
        { "absurd columns", Header(0x803, 1, 28, int.MaxValue), "number of columns is 2147483647, it must be from 1 to 1024" },
        { "too large altogether", Header(0x803, 10_000_000, 1024, 1024), "would be 10485760000000 bytes" },
        { "ends in the header", Header(0x803, 1, 28), "ends inside the number of columns" },
        { "ends early", [.. Images(2, 2, 2, 1, 2, 3, 4, 5, 6, 7, 8).AsSpan(0, 23)], "ends after 7 of 8 bytes (2 images of 2×2)" },
        { "goes on", [.. Images(1, 2, 2, 1, 2, 3, 4), 0], "goes on after its 4 bytes" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_broken_file_is_refused_with_file_value_and_expectation(string what, byte[] bytes, string message)
    {
        foreach (var gzip in new[] { false, true })
        {
            var path = Write(bytes, gzip);
            var error = Assert.Throws<InvalidDataException>(() => IdxFile.ReadImages(path));
            Assert.True(
                error.Message.Contains(message, StringComparison.Ordinal)
                    && error.Message.StartsWith(path, StringComparison.Ordinal), $"{what}: {error.Message}");
        }
    }

    [Fact]
    public void A_gz_file_that_is_not_gzip_says_so()
    {
        var path = _folder.At("x.gz");
        File.WriteAllBytes(path, Images(1, 2, 2));
        Assert.Contains(
            "starts with '0000', a gzip file starts with '1F8B'",
            Assert.Throws<InvalidDataException>(() => IdxFile.ReadImages(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_that_claims_a_gibibyte_costs_no_gibibyte()
    {
        var path = Write(Header(0x803, 1_000_000, 32, 32));
        Assert.Throws<InvalidDataException>(() => IdxFile.ReadImages(path));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidDataException>(() => IdxFile.ReadImages(path));

        // The first buffer is 1 MiB whatever is claimed; streams and messages take less than another.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
    }

    [Fact]
    public void Any_damage_is_refused_or_harmless()
    {
        var images = Images(20, 9, 7);
        var zipped = Gzip(images);
        var random = new Random(20_02_12_046);
        var path = _folder.At("mutated.gz");
        for (var i = 0; i < 2_000; i++)
        {
            // Half of the time inside the compressed data, half of the time in what is compressed.
            var bytes = i % 2 == 0 ? Mutate(zipped, random) : Gzip(Mutate(images, random));
            File.WriteAllBytes(path, bytes);
            try
            {
                var (pixels, count, rows, columns) = IdxFile.ReadImages(path);
                Assert.Equal(pixels.Length, count * rows * columns);
            }
            catch (InvalidDataException e)
            {
                Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
            }
        }
    }

    private static byte[] Mutate(byte[] bytes, Random random)
    {
        var copy = bytes.ToArray();
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            // The first bytes, where the sizes are, are hit more often.
            var at = random.Next(2) == 0 ? random.Next(Math.Min(20, copy.Length)) : random.Next(copy.Length);
            copy[at] = (byte)random.Next(256);
        }

        return random.Next(3) == 0 ? copy[..random.Next(copy.Length)] : copy;
    }

    private string Write(byte[] bytes, bool gzip = true)
    {
        var path = _folder.At(gzip ? "file.gz" : "file");
        File.WriteAllBytes(path, gzip ? Gzip(bytes) : bytes);
        return path;
    }
}
