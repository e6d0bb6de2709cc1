using System.Buffers.Binary;
using System.IO.Compression;

namespace XSepConv.Training.Tests;

/// <summary>Images that want to do harm, or are broken.</summary>
public sealed class HostileImageTests
{
    private static readonly byte[] Png = Fixture.Bytes("images/rgb.png");
    private static readonly byte[] Jpeg = Fixture.Bytes("images/baseline.jpg");

    [Theory]
    [InlineData("", "is neither a PNG nor a JPEG file; it starts with ''")]
    [InlineData("GIF89a", "is neither a PNG nor a JPEG file; it starts with '474946383961'")]
    [InlineData("<html><body>404", "is neither")]
    public void Other_files_are_refused(string content, string reason) => AssertRefused(System.Text.Encoding.ASCII.GetBytes(content), reason);

    [Fact]
    public void A_cut_file_is_refused_wherever_it_is_cut()
    {
        foreach (var file in new[] { Png, Jpeg, Fixture.Bytes("images/progressive.jpg"), Fixture.Bytes("images/interlaced.png") })
        {
            for (var length = 0; length < file.Length; length++) AssertRefused(file[..length], "file: ");
        }
    }

    [Theory]
    [InlineData(100_000u, 100_000u, "claims 100000×100000 pixels; 1 to 16384 each way")]
    [InlineData(16_384u, 16_384u, "claims 16384×16384 pixels; 1 to 16384 each way and at most 50000000 in all are read")]
    [InlineData(0u, 20u, "claims 0×20 pixels")]
    [InlineData(28u, 0x8000_0000u, "claims 28×2147483648 pixels")]
    [InlineData(7_000u, 7_000u, "unpacks to 1700 bytes, its size needs 147007000")]
    [InlineData(2u, 2u, "unpacks to more than the 14 bytes its size needs")]
    public void A_PNG_file_that_claims_another_size_costs_nothing(uint width, uint height, string reason)
    {
        var lying = Png.ToArray();
        BinaryPrimitives.WriteUInt32BigEndian(lying.AsSpan(16), width);
        BinaryPrimitives.WriteUInt32BigEndian(lying.AsSpan(20), height);
        AssertCheap(lying, reason);
    }

    [Fact]
    public void A_PNG_bomb_is_stopped_after_its_size()
    {
        // 20×28 pixels whose data unpack to 100 MB, in 100 KB.
        var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.SmallestSize, leaveOpen: true)) zlib.Write(new byte[100_000_000]);
        var at = Png.AsSpan().IndexOf("IDAT"u8);
        var chunk = new byte[12 + packed.Length];
        BinaryPrimitives.WriteUInt32BigEndian(chunk, (uint)packed.Length);
        "IDAT"u8.CopyTo(chunk.AsSpan(4));
        packed.ToArray().CopyTo(chunk, 8);
        byte[] bomb = [.. Png.AsSpan(0, at - 4), .. chunk, .. Png.AsSpan(Png.Length - 12)];
        AssertCheap(bomb, "unpacks to more than the 1700 bytes its size needs");
    }

    [Fact]
    public void A_PNG_chunk_that_claims_more_than_the_file_is_refused()
    {
        var lying = Png.ToArray();
        BinaryPrimitives.WriteUInt32BigEndian(lying.AsSpan(lying.AsSpan().IndexOf("IDAT"u8) - 4), 0x7FFF_FFFF);
        AssertCheap(lying, "a chunk of the PNG file claims 2147483647 bytes");
    }

    [Fact]
    public void A_PNG_file_whose_data_ask_for_a_dictionary_is_refused()
    {
        // 0x78BB: a zlib header with the flag for a preset dictionary, over which .NET throws an exception that is none of InvalidDataException.
        var asking = Png.ToArray();
        var at = asking.AsSpan().IndexOf("IDAT"u8) + 4;
        (asking[at], asking[at + 1]) = (0x78, 0xBB);
        AssertRefused(asking, "file: the PNG's compressed data is damaged");
    }

    [Theory]
    [InlineData(65_500, 65_500, "claims 65500×65500 pixels; 1 to 16384")]
    [InlineData(7_000, 7_000, "claims 7000×7000 pixels in 1297 bytes, which can't hold them")]
    [InlineData(28, 0, "claims 28×0 pixels")]
    public void A_JPEG_file_that_claims_another_size_costs_nothing(int width, int height, string reason)
    {
        foreach (var name in new[] { "subsampled.jpg", "progressive.jpg" })
        {
            var lying = Fixture.Bytes($"images/{name}");
            var at = lying.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, name == "progressive.jpg" ? (byte)0xC2 : (byte)0xC0]);
            BinaryPrimitives.WriteUInt16BigEndian(lying.AsSpan(at + 5), (ushort)height);
            BinaryPrimitives.WriteUInt16BigEndian(lying.AsSpan(at + 7), (ushort)width);
            AssertCheap(lying, reason.Replace("1297", $"{lying.Length}", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_JPEG_of_a_kind_that_is_not_read_says_so()
    {
        var arithmetic = Jpeg.ToArray();
        arithmetic[arithmetic.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]) + 1] = 0xC9;
        AssertRefused(arithmetic, "has the marker 0xC9; baseline and progressive Huffman-coded files are read");
    }

    private static void AssertRefused(byte[] file, string reason) =>
        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => ImageDecoder.Decode(file, "file")).Message, StringComparison.Ordinal);

    private static void AssertCheap(byte[] file, string reason)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(file, reason);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
    }
}
