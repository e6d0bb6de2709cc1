using System.Buffers.Binary;
using XSepConv.Inference;

namespace XSepConv.Runtime.Tests.Weights;

public sealed class SafeTensorsReadTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("xsepconv-");

    private static string Foreign => Path.Combine(AppContext.BaseDirectory, "Weights", "Fixtures", "foreign.safetensors");

    public void Dispose() => folder.Delete(recursive: true);

    public enum Way
    {
        Open,
        Seekable,
        Trickle,
    }

    private static SafeTensors Read(Way way, string path)
    {
        if (way == Way.Open) return SafeTensors.Open(path);
        using Stream stream = way == Way.Seekable ? File.OpenRead(path) : new SafeTensorsBytes.Trickle(File.ReadAllBytes(path));
        return SafeTensors.Read(stream);
    }

    [Theory]
    [InlineData(Way.Open)]
    [InlineData(Way.Seekable)]
    [InlineData(Way.Trickle)]
    public void A_file_of_another_writer_is_read(Way way)
    {
        using var file = Read(way, Foreign);

        // The values of Fixtures/generate.py, in the order of its data.
        Assert.Equal(["flags", "conv.weight", "empty", "half", "double", "num_batches_tracked", "ints", "bytes", "brain"], file.Tensors.Keys);
        Assert.Equal(new Dictionary<string, string> { ["format"] = "pt", ["by"] = "généré 🙂" }, file.Metadata);
        Assert.Equal(SafeTensorType.Bool, file.Tensors["flags"].Type);
        Assert.Equal([1, 0, 1], file.ReadBytes("flags"));
        Assert.Equal([2L, 1, 1, 3], file.Tensors["conv.weight"].Shape);
        var weights = new FileWeights(file, Foreign);
        Assert.Equal([0.5, -1.25, 3, 1e-3f, -65504, 0], weights.Read("conv.weight"));
        Assert.Equal([4L, 0], file.Tensors["empty"].Shape);
        Assert.Equal(0, file.Tensors["empty"].ElementCount);
        Assert.Empty(weights.Read("empty"));

        // 0x83FF, the largest subnormal half, is 1023 / 2^24.
        Assert.Equal([1.5, -1023d / (1 << 24), 65504], weights.Read("half"));
        Assert.Equal([1 / 3d, -1e300], weights.Read("double"));
        Assert.Equal(SafeTensorType.I64, file.Tensors["num_batches_tracked"].Type);
        Assert.Equal(1, file.Tensors["num_batches_tracked"].ElementCount);
        Assert.Equal(-9007199254740993, BinaryPrimitives.ReadInt64LittleEndian(file.ReadBytes("num_batches_tracked")));
        Assert.Equal([0, 0, 0, 0x80, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F], file.ReadBytes("ints"));
        Assert.Equal(SafeTensorType.U8, file.Tensors["bytes"].Type);
        Assert.Equal([1.5, -123.5], weights.Read("brain"));
    }

    [Theory]
    [InlineData(Way.Open)]
    [InlineData(Way.Trickle)]
    public void Tensors_keep_the_order_of_their_data_not_of_their_names_in_the_header(Way way)
    {
        var path = Save(SafeTensorsBytes.File(
            """{"z":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"empty":{"dtype":"U8","shape":[0],"data_offsets":[2,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""",
            10, 20, 30));
        using var file = Read(way, path);
        Assert.Equal(["y", "empty", "z"], file.Tensors.Keys);
        Assert.Equal([10, 20], file.ReadBytes("y"));
        Assert.Equal([30], file.ReadBytes("z"));
    }

    [Fact]
    public void A_file_without_tensors_is_valid()
    {
        using var file = SafeTensors.Read(new MemoryStream(SafeTensorsBytes.File("{}")));
        Assert.Empty(file.Tensors);
        Assert.Empty(file.Metadata);
        Assert.False(file.Contains("a"));
    }

    [Fact]
    public void Members_that_a_later_format_may_add_are_skipped()
    {
        using var file = SafeTensors.Read(new MemoryStream(SafeTensorsBytes.File(
            """{"a":{"dtype":"U8","later":[{"x":[1.5]}],"shape":[],"data_offsets":[0,1]}}""", 42)));
        Assert.Equal([42], file.ReadBytes("a"));
    }

    [Fact]
    public void A_stream_is_read_from_its_position_and_stays_open()
    {
        using var stream = new MemoryStream([1, 2, 3, .. SafeTensorsBytes.File("""{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}""", 42)]);
        stream.Position = 3;
        using var file = SafeTensors.Read(stream);
        Assert.Equal([42], file.ReadBytes("a"));
        Assert.True(stream.CanRead);
    }

    [Fact]
    public void Floats_of_every_bit_pattern_of_16_bits_are_exact()
    {
        var patterns = new byte[2 * 65536];
        for (var i = 0; i < 65536; i++) BinaryPrimitives.WriteUInt16LittleEndian(patterns.AsSpan(2 * i), (ushort)i);
        var weights = new MemoryWeights(
            "patterns", [new("half", SafeTensorType.F16, [65536], patterns), new("brain", SafeTensorType.BF16, [65536], patterns)], null);
        var half = weights.Read("half");
        var brain = weights.Read("brain");
        for (var i = 0; i < 65536; i++)
        {
            Assert.Equal(HalfByItsDefinition(i), half[i]);

            // A BF16 is a float whose lower 16 bits are not stored: the same by way of the float's bytes.
            double exact = BinaryPrimitives.ReadSingleLittleEndian([0, 0, (byte)i, (byte)(i >> 8)]);
            Assert.Equal(BitConverter.DoubleToInt64Bits(exact), BitConverter.DoubleToInt64Bits(brain[i]));
        }
    }

    [Fact]
    public void A_missing_tensor_a_wrong_length_and_a_closed_file_are_named()
    {
        var file = SafeTensors.Open(Foreign);
        Assert.Contains("'conv.wieght'", Assert.Throws<KeyNotFoundException>(() => file.ReadBytes("conv.wieght")).Message);
        Assert.Throws<KeyNotFoundException>(() => file.ReadBytes("__metadata__"));
        Assert.Throws<ArgumentNullException>(() => file.ReadBytes(null!));
        var e = Assert.Throws<ArgumentException>(() => file.CopyTo("ints", new byte[15]));
        Assert.Equal("destination", e.ParamName);
        Assert.Contains("15", e.Message);
        Assert.Contains("16", e.Message);
        Assert.Throws<ArgumentException>(() => file.CopyTo("ints", new byte[17]));
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.ReadBytes("ints"));
    }

    [Fact]
    public void A_file_that_is_not_there_is_reported_as_usual()
    {
        Assert.Throws<FileNotFoundException>(() => SafeTensors.Open(Path.Combine(folder.FullName, "none.safetensors")));
        Assert.Throws<DirectoryNotFoundException>(() => SafeTensors.Open(Path.Combine(folder.FullName, "none", "none.safetensors")));
        Assert.Throws<ArgumentException>(() => SafeTensors.Open(""));
        Assert.Throws<ArgumentNullException>(() => SafeTensors.Open(null!));
        Assert.Throws<ArgumentNullException>(() => SafeTensors.Read(null!));
    }

    [Fact]
    public void Tensors_beyond_2_GiB_open_but_are_not_read_into_one_array()
    {
        // 3 GiB, sparse: only the header takes room on the disk.
        const long Size = 3L << 30;
        var path = Save(SafeTensorsBytes.File($$$"""{"huge":{"dtype":"U8","shape":[3,{{{1L << 30}}}],"data_offsets":[0,{{{Size}}}]},"last":{"dtype":"U8","shape":[2],"data_offsets":[{{{Size}}},{{{Size + 2}}}]}}"""));
        using (var grow = File.OpenWrite(path))
        {
            grow.Position = grow.Length + Size;
            grow.Write([7, 8]);
        }

        using var file = SafeTensors.Open(path);
        Assert.Equal(Size, file.Tensors["huge"].ByteLength);
        Assert.Contains("'huge'", Assert.Throws<NotSupportedException>(() => file.ReadBytes("huge")).Message);
        Assert.Equal([7, 8], file.ReadBytes("last"));

        using var stream = File.OpenRead(path);
        Assert.Contains("'huge'", Assert.Throws<InvalidDataException>(() => SafeTensors.Read(stream)).Message);
    }

    [Fact]
    public void A_file_shortened_after_it_was_opened_is_reported_not_fatal()
    {
        var path = Save(SafeTensorsBytes.File("""{"a":{"dtype":"U8","shape":[100000],"data_offsets":[0,100000]}}""", new byte[100_000]));
        using var file = SafeTensors.Open(path);
        using (var shorten = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) shorten.SetLength(5_000);
        var e = Assert.Throws<InvalidDataException>(() => file.ReadBytes("a"));
        Assert.Contains(path, e.Message);
    }

    [Fact]
    public async Task Many_threads_read_one_file_at_once()
    {
        var path = Path.Combine(folder.FullName, "shared.safetensors");
        var tensors = Enumerable.Range(0, 20).Select(i => new SafeTensor($"t{i}", SafeTensorType.U8, [5000 + i], Enumerable.Repeat((byte)i, 5000 + i).ToArray())).ToArray();
        SafeTensors.Write(path, tensors);
        using var file = SafeTensors.Open(path);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(thread => Task.Run(() =>
        {
            for (var round = 0; round < 100; round++)
            {
                var i = (thread + round) % tensors.Length;
                Assert.Equal(tensors[i].Data.ToArray(), file.ReadBytes($"t{i}"));
            }
        })));
    }

    private static float HalfByItsDefinition(int bits)
    {
        var sign = bits >> 15 == 0 ? 1 : -1;
        int exponent = (bits >> 10) & 31, fraction = bits & 1023;
        if (exponent == 31) return fraction == 0 ? sign * float.PositiveInfinity : float.NaN;
        return exponent == 0 ? sign * (float)(fraction * Math.Pow(2, -24)) : sign * (float)((1024 + fraction) * Math.Pow(2, exponent - 25));
    }

    private string Save(byte[] bytes)
    {
        var path = Path.Combine(folder.FullName, $"{Guid.NewGuid():N}.safetensors");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
