using System.IO.Compression;

namespace XSepConv.Training.Tests;

/// <summary>
/// 100,000 seeded mutations over all readers: each ends with images or with an <see cref="InvalidDataException"/> that names the file, and
/// memory stays bounded. Compressed files are also changed beneath their compression, where a change gets past its checksums.
/// </summary>
public sealed class MutatedFileTests : IDisposable
{
    // XSEPCONV_FUZZ=10 does ten times as many, others beyond the first.
    private static readonly int Times = int.TryParse(Environment.GetEnvironmentVariable("XSEPCONV_FUZZ"), out var times) ? times : 1;

    // What may still be held once all mutations of a file have been read.
    private const long Kept = 32L << 20;

    private readonly TemporaryFolder _folder = new();
    private int _files;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("images/rgb.png", 8_000)]
    [InlineData("images/palette.png", 6_000)]
    [InlineData("images/alpha.png", 4_000)]
    [InlineData("images/deep.png", 4_000)]
    [InlineData("images/interlaced.png", 6_000)]
    [InlineData("images/baseline.jpg", 12_000)]
    [InlineData("images/progressive.jpg", 12_000)]
    [InlineData("images/subsampled.jpg", 6_000)]
    [InlineData("images/grey.jpg", 6_000)]
    [InlineData("kinds/exif-thumbnail.jpg", 8_000)]
    [InlineData("kinds/exif-among-others.jpg", 4_000)]
    [InlineData("kinds/ycck.jpg", 4_000)]
    [InlineData("kinds/420-progressive.jpg", 4_000)]
    [InlineData("kinds/without-end.jpg", 4_000)]
    [InlineData("kinds/exif-alpha.png", 4_000)]
    [InlineData("kinds/palette-4-transparency.png", 4_000)]
    [InlineData("kinds/rgb-key.png", 4_000)]
    public void Images(string name, int times) => Fuzz(Fixture.Bytes(name), times, Decode);

    /// <summary>Where a changed chunk has the checksum of what it is now, so that what comes after the comparison is reached.</summary>
    [Theory]
    [InlineData("images/rgb.png", 4_000)]
    [InlineData("images/palette.png", 4_000)]
    [InlineData("kinds/exif-alpha.png", 8_000)]
    [InlineData("kinds/palette-4-transparency.png", 8_000)]
    [InlineData("kinds/grey-1-key.png", 4_000)]
    public void Images_with_right_checksums(string name, int times) =>
        Fuzz(Fixture.Bytes(name), times, bytes => Decode(PngChecksums.Mended(bytes)));

    [Fact]
    public void Restarted_scans() => Fuzz(Fixture.Bytes("kinds/restarts.jpg"), 8_000, Decode);

    [Theory]
    [InlineData("images/rgb.png", 4_000)]
    [InlineData("images/interlaced.png", 4_000)]
    public void Images_beneath_their_compression(string name, int times) => Fuzz(
        Unpack(Fixture.Bytes(name)), times, bytes => Decode(PngChecksums.Mended(Pack(Fixture.Bytes(name), bytes))));

    [Theory]
    [InlineData("svhn/train_32x32.mat", 5_000)]
    [InlineData("svhn/others.mat", 3_000)]
    [InlineData("svhn/extra_32x32.mat", 4_000)]
    public void SVHN(string name, int times) => Fuzz(Fixture.Bytes(name), times, bytes => Decode(32, writer =>
    {
        SvhnFile.Decode(new MemoryStream(bytes), "file", SplitKind.Train, writer);
        return [];
    }));

    [Fact]
    public void CIFAR() => Fuzz(Fixture.Bytes("cifar-10/cifar-10-binary.tar.gz"), 3_000, Cifar);

    [Fact]
    public void CIFAR_beneath_its_compression()
    {
        var tar = new MemoryStream();
        using (var unzipped = new GZipStream(new MemoryStream(Fixture.Bytes("cifar-10/cifar-10-binary.tar.gz")),
            CompressionMode.Decompress)) unzipped.CopyTo(tar);
        Fuzz(tar.ToArray(), 3_000, bytes => Cifar(IdxBytes.Gzip(bytes)), blocks: 512);
    }

    [Fact]
    public void Tiny_ImageNet() => Fuzz(Fixture.Bytes("tiny-imagenet/tiny-imagenet-200.zip"), 2_000, bytes =>
    {
        using var zip = Archive.OpenZip(new MemoryStream(bytes), "file");
        Decode(64, writer => TinyImageNetArchive.Decode([.. Archive.Entries(zip, "file")], "file", writer));
    });

    [Fact]
    public void IDX()
    {
        var path = _folder.At("file");
        Fuzz(IdxBytes.Images(20, 9, 7), 4_000, bytes =>
        {
            File.WriteAllBytes(path, bytes);
            IdxFile.ReadImages(path);
        }, name: path);
    }

    [Fact]
    public void Decoded_images()
    {
        var written = new MemoryStream();
        using (var writer = new ImageFileWriter(written, (3, 4, 4), "file", null, default))
        {
            for (var i = 0; i < 5; i++) writer.Add(SplitKind.Train, new byte[48], i % 2);
            writer.Finish(["a", "b"], new string('a', 64));
        }

        var whole = written.ToArray();
        Fuzz(whole, 4_000, bytes =>
        {
            // A name that was not mapped before: what is mapped is not read again.
            var path = _folder.At($"{_files++}");
            File.WriteAllBytes(path, bytes);
            var opened = MappedImages.TryOpen(path, new string('a', 64));

            // The zeros that fill the first page are read by nobody.
            Assert.Equal(
                bytes.Length == whole.Length && bytes.AsSpan(0, 152).SequenceEqual(whole.AsSpan(0, 152))
                    && bytes.AsSpan(4096).SequenceEqual(whole.AsSpan(4096)), opened is not null);
            File.Delete(path);
            if (opened is null) throw new InvalidDataException("file is not taken");
        });
    }

    private static void Decode(byte[] image) => ImageDecoder.DecodePlanes(image, "file", Rgb.Black, null, 16, new byte[3 * 16 * 16]);

    private static void Cifar(byte[] bytes) =>
        Decode(32, writer => CifarArchive.Ten.Decode(Archive.TarGz(new MemoryStream(bytes), "file"), "file", writer));

    private static void Decode(int side, Func<ImageFileWriter, IReadOnlyList<string>> decode)
    {
        using var writer = new ImageFileWriter(new MemoryStream(), (3, side, side), "file", null, default);
        decode(writer);
    }

    private static void Fuzz(byte[] good, int times, Action<byte[]> read, string name = "file", int blocks = 0)
    {
        times *= Times;
        read(good);
        var (unmanaged, managed) = (UnmanagedMemory.InUse(), GC.GetTotalMemory(forceFullCollection: true));
        long largest = 0;
        var random = new Random(20_02_12_046);
        var refused = 0;
        for (var i = 0; i < times; i++)
        {
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(Mutate(good, random, blocks));
            }
            catch (InvalidDataException e)
            {
                Assert.StartsWith(name, e.Message, StringComparison.Ordinal);
                refused++;
            }

            largest = Math.Max(largest, GC.GetAllocatedBytesForCurrentThread() - allocated);
        }

        Assert.InRange(UnmanagedMemory.InUse() - unmanaged, long.MinValue, Kept);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - managed, long.MinValue, Kept);

        // The fixtures' pixels take below 2 MB; a size that a changed header announces must not be believed.
        Assert.InRange(largest, 0, 16 << 20);
        Assert.True(refused > times / 20, $"only {refused} of {times} were refused: the mutations do not reach what is checked");
    }

    /// <summary>Changes a few bytes, mostly near the start or in a header, or cuts, repeats or swaps a piece.</summary>
    private static byte[] Mutate(byte[] good, Random random, int blocks)
    {
        var bytes = good.ToArray();
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var at = (random.Next(3), blocks) switch
            {
                (0, _) => random.Next(Math.Min(bytes.Length, 160)),
                (1, > 0) => Math.Min(bytes.Length - 1, (random.Next((bytes.Length / blocks) + 1) * blocks) + random.Next(160)),
                _ => random.Next(bytes.Length),
            };
            bytes[at] =
                random.Next(4) switch { 0 => 0, 1 => 0xFF, 2 => (byte)(bytes[at] ^ (1 << random.Next(8))), _ => (byte)random.Next(256) };
        }

        var (from, to) = (random.Next(bytes.Length), random.Next(bytes.Length));
        return random.Next(8) switch
        {
            0 => bytes[..from],
            1 => [.. bytes.AsSpan(0, from), .. bytes.AsSpan(Math.Min(from, to))],
            2 => [.. bytes.AsSpan(0, Math.Min(from, to)), .. bytes.AsSpan(Math.Max(from, to))],
            _ => bytes,
        };
    }

    private static byte[] Unpack(byte[] png)
    {
        var at = png.AsSpan().IndexOf("IDAT"u8);
        using var zlib = new ZLibStream(new MemoryStream(png, at + 4, png.Length - 12 - at - 8), CompressionMode.Decompress);
        var unpacked = new MemoryStream();
        zlib.CopyTo(unpacked);
        return unpacked.ToArray();
    }

    private static byte[] Pack(byte[] png, byte[] data)
    {
        var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write(data);
        var length = (int)packed.Length;
        var at = png.AsSpan().IndexOf("IDAT"u8);
        return [.. png.AsSpan(0, at - 4), (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length, .. "IDAT"u8,
            .. packed.ToArray(), 0, 0, 0, 0, .. png.AsSpan(png.Length - 12)];
    }
}
