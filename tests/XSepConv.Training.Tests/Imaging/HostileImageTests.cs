using System.Buffers.Binary;
using System.IO.Compression;

namespace XSepConv.Training.Tests;

/// <summary>Images that want to do harm, or are broken.</summary>
public sealed class HostileImageTests
{
    private static readonly byte[] Png = Fixture.Bytes("images/rgb.png");
    private static readonly byte[] Jpeg = Fixture.Bytes("images/baseline.jpg");

    [Theory]
    [InlineData("", "file: is empty, neither a PNG nor a JPEG file.")]
    [InlineData("\0\0\0", "file: is zeros only, neither")]
    [InlineData("GIF89a", "file: is GIF, neither a PNG nor a JPEG file.")]
    [InlineData("<html><body>404", "file: is a web page, neither")]
    [InlineData("version https://git-lfs.github.com/spec/v1", "file: is a pointer of Git LFS to a file that was not fetched, neither")]
    [InlineData("\0\0\0\u001Cftypisom", "file: is a video or another file of the MP4 family, neither")]
    [InlineData("something", "file: is neither a PNG nor a JPEG file; it starts with '736F6D657468696E'")]
    public void Other_files_are_refused(string content, string reason) =>
        AssertRefused(System.Text.Encoding.ASCII.GetBytes(content), reason);

    [Fact]
    public void A_cut_file_is_refused_wherever_it_is_cut_unless_all_of_its_pixels_are_there()
    {
        foreach (var file in new[] { Png, Jpeg, Fixture.Bytes("images/progressive.jpg"), Fixture.Bytes("images/subsampled.jpg"),
            Fixture.Bytes("images/interlaced.png") })
        {
            // PNG's last chunk, JPEG's end marker; a byte before that may hold nothing but bits that fill it.
            var end = file.Length - (file.AsSpan().StartsWith(PngFile.Magic) ? 12 : 2);
            for (var length = 0; length < end - 1; length++) AssertRefused(file[..length], "file: ");
            var whole = ImageDecoder.DecodeWhole(file, "file", Rgb.White).Pixels;
            for (var length = end; length < file.Length; length++)
            {
                Assert.Equal(whole, ImageDecoder.DecodeWhole(file[..length], "file", Rgb.White).Pixels);
            }
        }
    }

    [Fact]
    public void Restart_markers_that_do_not_fit_are_refused_before_memory_that_nobody_wrote_is_taken_for_pixels()
    {
        // An interval of one unit (8×8 pixels at 4:4:4), where the file has none of the markers that it now says to have.
        var at = Jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
        byte[] lying = [.. Jpeg.AsSpan(0, at), 0xFF, 0xDD, 0, 4, 0, 1, .. Jpeg.AsSpan(at)];
        AssertRefused(lying, "has 0 restart markers in a scan; 11 are due");

        // As many as are due, with data between them that are too long: the decoder stops at the first without a word.
        var data = at + 2 + BinaryPrimitives.ReadUInt16BigEndian(Jpeg.AsSpan(at + 2));
        byte[] markers = [.. Enumerable.Range(0, 11).SelectMany(i => new byte[] { 0xFF, (byte)(0xD0 + (i % 8)), 0x55 })];
        AssertRefused(
            [.. lying.AsSpan(0, data + 6), .. Jpeg.AsSpan(data, 100).ToArray().Select(value => (byte)(value == 0xFF ? 0 : value)),
                .. markers, 0xFF, 0xD9], "file: the image is damaged");

        var even = Jpeg.ToArray()[..^2];
        AssertRefused([.. even, 0xFF, 0xD0, 0x55, 0xFF, 0xD9], "has a restart marker where none is due");
    }

    [Theory]
    [InlineData(0xC4, "00")]
    [InlineData(0xC4, "0000000000000000000000000000000001")]
    [InlineData(0xDB, "00")]
    [InlineData(0xDB, "20")]
    public void Tables_that_reach_behind_their_segment_are_refused(byte marker, string content)
    {
        // After the last scan the decoder takes what it can't read for the end, and leaves a progressive picture unfinished.
        var table = Convert.FromHexString(content);
        byte[] lying =
            [.. Fixture.Bytes("images/progressive.jpg").AsSpan()[..^2], 0xFF, marker, 0, (byte)(2 + table.Length), .. table, 0xFF, 0xD9];
        AssertRefused(lying, "has tables that are longer or shorter than their segment");
    }

    [Fact]
    public void A_JPEG_file_without_a_scan_of_each_component_is_refused()
    {
        // A scan of the first component only: libjpeg makes the others grey, the decoder what the memory held.
        var at = Jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
        byte[] first = [.. Jpeg.AsSpan(0, at), 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, .. Jpeg.AsSpan(at + 14)];
        AssertRefused(first, "ends before all of its scans: nothing is there of coefficient 0 of component 2");
    }

    [Theory]
    [InlineData(100_000u, 100_000u, "claims 100000×100000 pixels; 1 to 16384 each way")]
    [InlineData(16_384u, 16_384u, "claims 16384×16384 pixels; 1 to 16384 each way and at most 64000000 in all are read")]
    [InlineData(8_192u, 6_144u, "unpacks to 1700 bytes, its size needs 151001088")]
    [InlineData(8_001u, 8_000u, "claims 8001×8000 pixels")]
    [InlineData(0u, 20u, "claims 0×20 pixels")]
    [InlineData(28u, 0x8000_0000u, "claims 28×2147483648 pixels")]
    [InlineData(7_000u, 7_000u, "unpacks to 1700 bytes, its size needs 147007000")]
    [InlineData(2u, 2u, "unpacks to more than the 14 bytes its size needs")]
    public void A_PNG_file_that_claims_another_size_costs_nothing(uint width, uint height, string reason)
    {
        var lying = Png.ToArray();
        BinaryPrimitives.WriteUInt32BigEndian(lying.AsSpan(16), width);
        BinaryPrimitives.WriteUInt32BigEndian(lying.AsSpan(20), height);
        AssertCheap(PngChecksums.Mended(lying), reason);
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
        AssertCheap(PngChecksums.Mended(bomb), "unpacks to more than the 1700 bytes its size needs");
    }

    [Fact]
    public void A_PNG_chunk_that_claims_more_than_the_file_is_refused()
    {
        var lying = Png.ToArray();
        BinaryPrimitives.WriteUInt32BigEndian(lying.AsSpan(lying.AsSpan().IndexOf("IDAT"u8) - 4), 0x7FFF_FFFF);
        AssertCheap(lying, "the PNG file has a chunk that claims 2147483647 bytes");
    }

    [Fact]
    public void A_PNG_file_whose_data_ask_for_a_dictionary_is_refused()
    {
        // 0x78BB: a zlib header with the flag for a preset dictionary, over which .NET throws an exception that is none of
        // InvalidDataException.
        var asking = Png.ToArray();
        var at = asking.AsSpan().IndexOf("IDAT"u8) + 4;
        (asking[at], asking[at + 1]) = (0x78, 0xBB);
        AssertRefused(PngChecksums.Mended(asking), "file: the PNG's compressed data is damaged");
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
        Assert.Contains(
            reason, Assert.Throws<InvalidDataException>(
                () => ImageDecoder.DecodeWhole(file, "file", Rgb.White)).Message, StringComparison.Ordinal);

    private static void AssertCheap(byte[] file, string reason)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(file, reason);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
    }
}
