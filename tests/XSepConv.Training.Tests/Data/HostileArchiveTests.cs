using System.Buffers.Binary;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace XSepConv.Training.Tests;

/// <summary>Archives that want to do harm, or are broken.</summary>
public sealed class HostileArchiveTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("../../evil.bin", "leads out of it")]
    [InlineData("/etc/evil.bin", "leads out of it")]
    [InlineData("a/../../evil.bin", "leads out of it")]
    [InlineData("..\\evil.bin", "leads out of it")]
    [InlineData("C:/evil.bin", "leads out of it")]
    public void Names_that_lead_out_are_refused(string name, string reason)
    {
        AssertRefused(Tar((name, TarEntryType.RegularFile, [1])), reason);
        AssertZipRefused(Zip((name, [1], 0)), reason);
    }

    [Theory]
    [InlineData(TarEntryType.SymbolicLink, "is a link (type '2')")]
    [InlineData(TarEntryType.HardLink, "is a link (type '1')")]
    [InlineData(TarEntryType.CharacterDevice, "is a device (type '3')")]
    [InlineData(TarEntryType.Fifo, "is a pipe (type '6')")]
    public void Links_and_devices_are_refused(TarEntryType type, string reason) => AssertRefused(Tar(("evil", type, [])), reason);

    [Fact]
    public void A_link_in_a_zip_archive_is_refused() =>
        AssertZipRefused(Zip(("evil", "/etc/passwd"u8.ToArray(), 0xA1FF << 16)), "'evil' in the zip archive is a link");

    [Theory]
    [InlineData('L')]
    [InlineData('K')]
    [InlineData('x')]
    [InlineData('g')]
    public void An_extended_header_that_claims_two_gigabytes_costs_nothing(char type)
    {
        var header = new byte[512];
        "././@LongLink"u8.CopyTo(header);
        "00000000000\0"u8.CopyTo(header.AsSpan(100));
        "17777777777\0"u8.CopyTo(header.AsSpan(124));
        header[156] = (byte)type;
        "ustar\00"u8.CopyTo(header.AsSpan(257));
        header.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes($"{Convert.ToString(header.Sum(b => b), 8).PadLeft(6, '0')}\0 ").CopyTo(header, 148);
        var before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(header, "claims 2147483647 bytes; at most 65536 are read");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void A_file_that_claims_more_than_the_limit_is_refused()
    {
        var tar = Tar(("data_batch_1.bin", TarEntryType.RegularFile, new byte[600]));
        "77777777777\0"u8.CopyTo(tar.AsSpan(124));
        AssertRefused(tar, "has 8589935104 bytes unpacked; at most 4294967296 are read");
    }

    [Fact]
    public void A_cut_archive_says_where_it_ends()
    {
        var tar = Tar(("data_batch_1.bin", TarEntryType.RegularFile, new byte[6000]));
        AssertRefused(tar[..3000], "ends inside a file");
        AssertRefused(tar[..300], "ends inside a header");
        var packed = Gzip(tar);
        Assert.Contains(
            "a gzip file starts with '1F8B'", Assert.Throws<InvalidDataException>(() => ReadTar(tar)).Message, StringComparison.Ordinal);
        Assert.StartsWith("archive: ", Assert.Throws<InvalidDataException>(() => ReadTar(packed[..^20])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_zip_entry_that_holds_less_than_it_claims_is_refused_and_memory_is_not_taken()
    {
        var zip = Zip(("a", new byte[100], 0));
        Claim(zip, 60 << 20);
        var before = GC.GetAllocatedBytesForCurrentThread();
        AssertZipRefused(zip, "archive: a: ends after 100 of 62914560 bytes");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void A_zip_entry_that_holds_more_than_it_claims_gives_what_it_claims()
    {
        // A bomb: the names say 10 bytes, the data are 50 MB.
        var zip = Zip(("a", new byte[50_000_000], 0));
        Claim(zip, 10);
        using var archive = Archive.OpenZip(new MemoryStream(zip), "archive");
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(10, Assert.Single(Archive.Entries(archive, "archive")).ReadBytes(100, "archive").Length);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void Many_gigabytes_of_claims_are_refused() =>
        AssertZipRefused(
            Claims(Zip(("a", [1], 0), ("b", [1], 0), ("c", [1], 0)), 0x7FFF_FFFF), "bytes unpacked; at most 4294967296 are read");

    [Theory]
    [InlineData("lacks", "data_batch_5.bin", "lacks data_batch_5.bin")]
    [InlineData("twice", "data_batch_5.bin", "holds data_batch_5.bin twice")]
    [InlineData("short", "data_batch_5.bin", "data_batch_5.bin has 9218 bytes, a positive multiple of 3073")]
    [InlineData("empty", "data_batch_5.bin", "data_batch_5.bin has 0 bytes")]
    [InlineData("label", "test_batch.bin", "image 1 of test_batch.bin has label 10; 0 to 9 are right")]
    [InlineData("names", "batches.meta.txt", "batches.meta.txt has 1 names of classes, 10 are right")]
    public void A_CIFAR_archive_with_another_content_is_refused(string fault, string file, string reason)
    {
        var entries = new List<(string, TarEntryType, byte[])>();
        using (var published = File.OpenRead(Fixture.At("cifar-10/cifar-10-binary.tar.gz")))
        {
            foreach (var entry in Archive.TarGz(published, "fixture"))
            {
                var bytes = entry.ReadBytes(1 << 20, "fixture");
                if (entry.FileName == file)
                {
                    if (fault == "lacks") continue;
                    if (fault == "twice") entries.Add((entry.Name, TarEntryType.RegularFile, bytes));
                    if (fault == "short") bytes = bytes[..^1];
                    if (fault == "empty") bytes = [];
                    if (fault == "label") bytes[3073] = 10;
                    if (fault == "names") bytes = "one"u8.ToArray();
                }

                entries.Add((entry.Name, TarEntryType.RegularFile, bytes));
            }
        }

        var tar = Gzip(Tar([.. entries]));
        var message = Assert.Throws<InvalidDataException>(
            () =>
                Fixture.Decode(
                    _folder, 32, writer => CifarArchive.Ten.Decode(
                        Archive.TarGz(new MemoryStream(tar), "archive"), "archive", writer))).Message;
        Assert.StartsWith($"archive: {reason}", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("wnids.txt", null, "lacks wnids.txt")]
    [InlineData("words.txt", null, "lacks words.txt")]
    [InlineData("val/val_annotations.txt", null, "lacks val/val_annotations.txt")]
    [InlineData("wnids.txt", "n02124075\nn02124075\n", "wnids.txt has 2 lines, 1 of them different")]
    [InlineData("wnids.txt", "n02124075\nn07920052\n", "names the class 'n01443537', which wnids.txt does not have")]
    [InlineData("val/val_annotations.txt", "val_0.JPEG n02124075\n", "val_annotations.txt has the line 'val_0.JPEG n02124075'")]
    [InlineData("val/val_annotations.txt", "val_0.JPEG\tn02124075\nval_0.JPEG\tn02124075\n", "names 'val_0.JPEG' twice")]
    [InlineData("val/val_annotations.txt", "val_0.JPEG\tn02124075\n", "does not name 'val_1.JPEG'")]
    [InlineData("val/val_annotations.txt", "val_0.JPEG\tn99\n", "names the class 'n99'")]
    [InlineData("val/images/val_3.JPEG", "no image", "val_3.JPEG: is neither a PNG nor a JPEG file")]
    [InlineData("val/images/val_3.JPEG", null, "val_annotations.txt names 5 images, there are 4")]
    public void A_Tiny_ImageNet_archive_with_another_content_is_refused(string file, string? content, string reason)
    {
        var changed = new MemoryStream();
        using (var published = ZipFile.OpenRead(Fixture.At("tiny-imagenet/tiny-imagenet-200.zip")))
        using (var zip = new ZipArchive(changed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var entry in published.Entries)
            {
                var isIt = entry.FullName == $"tiny-imagenet-200/{file}";
                if (isIt && content is null) continue;
                using var to = zip.CreateEntry(entry.FullName).Open();
                if (isIt) to.Write(Encoding.UTF8.GetBytes(content!));
                else entry.Open().CopyTo(to);
            }
        }

        using var archive = Archive.OpenZip(changed, "archive");
        var message = Assert.Throws<InvalidDataException>(
            () => Fixture.Decode(
                _folder, 64, writer => TinyImageNetArchive.Decode([.. Archive.Entries(archive, "archive")], "archive", writer))).Message;
        Assert.StartsWith("archive: ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    private static void AssertRefused(byte[] tar, string reason)
    {
        var message = Assert.Throws<InvalidDataException>(() => ReadTar(Gzip(tar))).Message;
        Assert.StartsWith("archive: ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    private static void ReadTar(byte[] packed)
    {
        foreach (var entry in Archive.TarGz(new MemoryStream(packed), "archive")) entry.ReadBytes(1 << 20, "archive");
    }

    private static void AssertZipRefused(byte[] zip, string reason)
    {
        var message = Assert.Throws<InvalidDataException>(() =>
        {
            using var archive = Archive.OpenZip(new MemoryStream(zip), "archive");
            foreach (var entry in Archive.Entries(archive, "archive").ToList()) entry.ReadBytes(int.MaxValue, "archive");
        }).Message;
        Assert.StartsWith("archive: ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    private static byte[] Tar(params (string Name, TarEntryType Type, byte[] Data)[] entries)
    {
        var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, type, data) in entries)
            {
                var entry = new UstarTarEntry(type, name);
                if (type is TarEntryType.SymbolicLink or TarEntryType.HardLink) entry.LinkName = "/etc/passwd";
                if (type == TarEntryType.RegularFile) entry.DataStream = new MemoryStream(data);
                tar.WriteEntry(entry);
            }
        }

        return stream.ToArray();
    }

    private static byte[] Zip(params (string Name, byte[] Data, int Attributes)[] entries)
    {
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, data, attributes) in entries)
            {
                var entry = zip.CreateEntry(name);
                entry.ExternalAttributes = attributes;
                using var content = entry.Open();
                content.Write(data);
            }
        }

        return stream.ToArray();
    }

    /// <summary>Changes the unpacked size of the first entry in the central directory.</summary>
    private static void Claim(byte[] zip, uint bytes) =>
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(zip.AsSpan().LastIndexOf("PK\u0001\u0002"u8) + 24), bytes);

    private static byte[] Claims(byte[] zip, uint bytes)
    {
        for (var at = 0; at < zip.Length - 46; at++)
        {
            if (zip.AsSpan(at).StartsWith("PK\u0001\u0002"u8)) BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(at + 24), bytes);
        }

        return zip;
    }

    private static byte[] Gzip(byte[] bytes) => IdxBytes.Gzip(bytes);
}
