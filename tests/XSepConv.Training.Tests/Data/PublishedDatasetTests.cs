using System.IO.Compression;

namespace XSepConv.Training.Tests;

/// <summary>The published sets in small, in their true formats, written by other tools.</summary>
public sealed class PublishedDatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void CIFAR_10_is_read_in_the_order_of_its_batches()
    {
        using var images = Open("cifar-10/cifar-10-binary.tar.gz");
        var read = Decode(32, writer => CifarArchive.Ten.Decode(Archive.TarGz(images, "archive"), "archive", writer));
        Assert.Equal((15, 0, 4), (read.File.Train, read.File.Validation, read.File.Test));
        Assert.Equal(["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"], read.ClassNames);

        // The fixture lists the labels and pixels of each batch in turn.
        var expected = Fixture.Bytes("cifar-10/expected");
        var at = 0;
        for (var i = 0; i < read.Labels.Length; i += i < 15 ? 3 : 4)
        {
            var count = i < 15 ? 3 : 4;
            Assert.Equal(expected.Skip(at).Take(count).Select(label => (int)label), read.Labels[i..(i + count)]);
            at += count;
            for (var j = i; j < i + count; j++, at += 3072)
            {
                Assert.True(read.Image(j).SequenceEqual(expected.AsSpan(at, 3072)), $"image {j}");
            }
        }

        Assert.Equal(expected.Length, at);
    }

    [Fact]
    public void CIFAR_100_has_the_fine_labels()
    {
        using var images = Open("cifar-100/cifar-100-binary.tar.gz");
        var read = Decode(32, writer => CifarArchive.Hundred.Decode(Archive.TarGz(images, "archive"), "archive", writer));
        Assert.Equal((7, 3), (read.File.Train, read.File.Test));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"fine {i:00}"), read.ClassNames);
        var expected = Fixture.Bytes("cifar-100/expected");
        Assert.Equal([.. expected[..7], .. expected.AsSpan(7 + (7 * 3072), 3)], read.Labels.Select(label => (byte)label));
        Assert.True(read.Image(6).SequenceEqual(expected.AsSpan(7 + (6 * 3072), 3072)));
        Assert.True(read.Image(9).SequenceEqual(expected.AsSpan(10 + (9 * 3072), 3072)));
    }

    [Theory]
    [InlineData("train", 6)]
    [InlineData("extra", 3)]
    [InlineData("test", 4)]
    public void SVHN_is_read_compressed_or_not_whatever_the_type_of_the_labels(string name, int count)
    {
        using var file = Open($"svhn/{name}_32x32.mat");
        var read = Decode(32, writer =>
        {
            SvhnFile.Decode(file, "file", SplitKind.Train, writer);
            return [.. Enumerable.Range(0, 10).Select(i => $"{i}")];
        });
        Assert.Equal(count, read.Labels.Length);
        Assert.Equal(0, read.Labels[0]);
        Assert.Equal(Fixture.Bytes($"svhn/{name}.expected"), Fixture.Content(read));
    }

    [Fact]
    public void Other_arrays_of_a_MAT_file_are_passed_over()
    {
        using var file = Open("svhn/others.mat");
        var seen = new List<string>();
        MatFile.Read(file, "file", array => seen.Add($"{array.Name} {string.Join("×", array.Dimensions)}"));
        Assert.Equal(["logical 1×1", "X 32×32×3×2", "y 2×1"], seen);
    }

    [Fact]
    public void Tiny_ImageNet_is_read_with_its_validation_images_as_the_test_split()
    {
        using var file = Open("tiny-imagenet/tiny-imagenet-200.zip");
        using var zip = Archive.OpenZip(file, "archive");
        var read = Decode(64, writer => TinyImageNetArchive.Decode([.. Archive.Entries(zip, "archive")], "archive", writer));
        Assert.Equal((12, 0, 5), (read.File.Train, read.File.Validation, read.File.Test));
        Assert.Equal(["goldfish", "Egyptian cat", "espresso"], read.ClassNames);
        var (expected, got) = (Fixture.Bytes("tiny-imagenet/expected"), Fixture.Content(read));
        Assert.Equal(expected[..17], got[..17]);
        ImageDecoderTests.AssertClose(expected.AsSpan(17), got.AsSpan(17));
    }

    [Theory]
    [InlineData("cifar-10", 14, 1, 4, 32)]
    [InlineData("cifar-100", 6, 1, 3, 32)]
    [InlineData("svhn", 5, 1, 4, 32)]
    [InlineData("svhn-extra", 8, 1, 4, 32)]
    [InlineData("tiny-imagenet", 11, 1, 5, 64)]
    public void Every_set_is_opened_by_its_name(string name, int train, int validation, int test, int side)
    {
        var data = Sets.Open(name, Options(Fixture.At(name == "svhn-extra" ? "svhn" : name)));
        Assert.Equal((train, validation, test), (data.Train.Count, data.Validation.Count, data.Test.Count));
        Assert.Equal((3, side, side), (data.Train.Channels, data.Train.Height, data.Train.Width));
        Assert.Equal(name.StartsWith("svhn", StringComparison.Ordinal), !data.Augmentation.HorizontalFlip);
        Assert.Equal(Fixture.At(name == "svhn-extra" ? "svhn" : name), data.Source);
    }

    [Theory]
    [InlineData("cifar-10", "cifar-10-binary.tar.gz", "cifar-10-batches-bin")]
    [InlineData("tiny-imagenet", "tiny-imagenet-200.zip", "tiny-imagenet-200")]
    public void An_unpacked_folder_gives_the_same_set(string name, string archive, string unpacked)
    {
        using (var file = Open($"{name}/{archive}"))
        {
            if (archive.EndsWith("zip", StringComparison.Ordinal)) ZipFile.ExtractToDirectory(file, _folder.Path);
            else System.Formats.Tar.TarFile.ExtractToDirectory(
                new GZipStream(file, CompressionMode.Decompress), _folder.Path, overwriteFiles: false);
        }

        Assert.True(Directory.Exists(_folder.At(unpacked)));
        var (packed, folder) = (Sets.Open(name, Options(Fixture.At(name))), Sets.Open(name, Options(_folder.Path)));
        Assert.Equal(packed.Train.Fingerprint(), folder.Train.Fingerprint());
        Assert.Equal(packed.Test.Fingerprint(), folder.Test.Fingerprint());
    }

    private DatasetOptions Options(string root) =>
        new() { DataRoot = root, CacheDirectory = _folder.At("cache"), SystemDirectory = _folder.At("system"), AllowDownload = false };

    private MappedImages Decode(int side, Func<ImageFileWriter, IReadOnlyList<string>> decode) => Fixture.Decode(_folder, side, decode);

    private static FileStream Open(string name) => File.OpenRead(Fixture.At(name));
}
