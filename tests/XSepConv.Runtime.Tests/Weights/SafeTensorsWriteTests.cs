namespace XSepConv.Runtime.Tests.Weights;

public sealed class SafeTensorsWriteTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("xsepconv-");

    public void Dispose() => folder.Delete(recursive: true);

    public static TheoryData<string, SafeTensor?[]> Wrong => new()
    {
        { "null", [null] },
        { "null", [new(null!, SafeTensorType.U8, [], new byte[1])] },
        { "'__metadata__'", [new("__metadata__", SafeTensorType.U8, [], new byte[1])] },
        { "two tensors have the name 'a'", [new("a", SafeTensorType.U8, [], new byte[1]), new("a", SafeTensorType.U8, [], new byte[1])] },
        { "surrogate", [new("\ud800", SafeTensorType.U8, [], new byte[1])] },
        { "the type of 'a' is 99", [new("a", (SafeTensorType)99, [], new byte[1])] },
        { "a scalar has []", [new("a", SafeTensorType.U8, default, new byte[1])] },
        { "'a' [2, 3] F32 has 23 bytes", [new("a", SafeTensorType.F32, [2, 3], new byte[23])] },
        { "'a' [] F64 has 0 bytes", [new("a", SafeTensorType.F64, [], Array.Empty<byte>())] },
        { "'a' [-1, -8] U8 has 8 bytes", [new("a", SafeTensorType.U8, [-1, -8], new byte[8])] },
        { "which is not its size", [new("a", SafeTensorType.U8, [1L << 32, 1L << 32, 0], Array.Empty<byte>())] },
    };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void What_no_file_can_hold_is_refused_before_anything_is_written(string mentioned, SafeTensor?[] tensors)
    {
        var path = Path.Combine(folder.FullName, "a.safetensors");
        var e = Assert.Throws<ArgumentException>(() => SafeTensors.Write(path, tensors!));
        Assert.Contains(mentioned, e.Message);
        Assert.Empty(folder.GetFileSystemInfos());
        using var stream = new MemoryStream();
        Assert.Throws<ArgumentException>(() => SafeTensors.Write(stream, tensors!));
        Assert.Equal(0, stream.Length);
    }

    [Theory]
    [InlineData(1, 1, 1, "")]
    [InlineData(SafeTensorsHeader.MostTensors, 1, 1, "")]
    [InlineData(SafeTensorsHeader.MostTensors + 1, 1, 1, "500,001 tensors")]
    [InlineData(1, SafeTensorsHeader.MostDimensions, 1, "")]
    [InlineData(1, SafeTensorsHeader.MostDimensions + 1, 1, "65 dimensions")]
    [InlineData(1, 1, SafeTensorsHeader.MostMetadata, "")]
    [InlineData(1, 1, SafeTensorsHeader.MostMetadata + 1, "65,537 entries")]
    public void What_is_written_is_read(int count, int dimensions, int entries, string refused)
    {
        var tensors = Enumerable.Range(0, count).Select(i =>
            new SafeTensor($"{i}", SafeTensorType.U8, [.. Enumerable.Repeat(1L, dimensions)], new byte[1])).ToArray();
        var metadata = Enumerable.Range(0, entries).ToDictionary(i => $"{i}", i => "");
        using var stream = new MemoryStream();
        if (refused.Length > 0)
        {
            Assert.Contains(refused, Assert.Throws<ArgumentException>(() => SafeTensors.Write(stream, tensors, metadata)).Message);
            return;
        }

        SafeTensors.Write(stream, tensors, metadata);
        stream.Position = 0;
        using var read = SafeTensors.Read(stream);
        Assert.Equal((count, entries), (read.Tensors.Count, read.Metadata.Count));
    }

    [Fact]
    public void Metadata_must_be_text()
    {
        using var stream = new MemoryStream();
        Assert.Equal("metadata", Assert.Throws<ArgumentException>(() => SafeTensors.Write(stream, [], new Dictionary<string, string> { ["k"] = null! })).ParamName);
        Assert.Equal("metadata", Assert.Throws<ArgumentException>(() => SafeTensors.Write(stream, [], new Dictionary<string, string> { ["k"] = "\udc00" })).ParamName);
        Assert.Throws<ArgumentNullException>(() => SafeTensors.Write(stream, null!));
        Assert.Throws<ArgumentNullException>(() => SafeTensors.Write((Stream)null!, []));
        Assert.Throws<ArgumentNullException>(() => SafeTensors.Write((string)null!, []));
    }

    [Fact]
    public void A_header_above_100_MB_is_refused()
    {
        using var stream = new MemoryStream();
        var e = Assert.Throws<ArgumentException>(() => SafeTensors.Write(stream, [], new Dictionary<string, string> { ["k"] = new('x', 100_000_000) }));
        Assert.Contains("100,000,000", e.Message);
        Assert.Equal(0, stream.Length);
    }

    [Fact]
    public void Every_tensor_begins_at_a_multiple_of_its_element_size_and_order_is_kept_within_a_size()
    {
        using var stream = new MemoryStream();
        SafeTensors.Write(stream,
        [
            new("z", SafeTensorType.U8, [3], new byte[3]), new("b", SafeTensorType.F32, [1], new byte[4]), new("a", SafeTensorType.I32, [3], new byte[12]),
            new("y", SafeTensorType.F16, [3], new byte[6]), new("long", SafeTensorType.I64, [], new byte[8]), new("c", SafeTensorType.F64, [0], Array.Empty<byte>()),
        ]);
        var header = BitConverter.ToInt64(stream.ToArray(), 0);
        Assert.Equal(0, header % 8);
        stream.Position = 0;
        using var file = SafeTensors.Read(stream);
        Assert.Equal(["long", "c", "b", "a", "y", "z"], file.Tensors.Keys);
        var begin = 0L;
        foreach (var (name, size) in new[] { ("long", 8), ("c", 8), ("b", 4), ("a", 4), ("y", 2), ("z", 1) })
        {
            Assert.Equal(0, begin % size);
            begin += file.Tensors[name].ByteLength;
        }
    }

    [Fact]
    public void A_failed_write_leaves_the_old_file()
    {
        var path = Path.Combine(folder.FullName, "a.safetensors");
        SafeTensors.Write(path, [new("old", SafeTensorType.U8, [], new byte[] { 1 })]);
        Assert.Throws<ArgumentException>(() => SafeTensors.Write(path, [new("new", SafeTensorType.U8, [2], new byte[] { 1 })]));
        using var file = SafeTensors.Open(path);
        Assert.Equal([1], file.ReadBytes("old"));
    }

    [Fact]
    public void A_file_that_is_being_read_can_be_replaced()
    {
        var path = Path.Combine(folder.FullName, "a.safetensors");
        SafeTensors.Write(path, [new("t", SafeTensorType.U8, [], new byte[] { 1 })]);
        using var old = SafeTensors.Open(path);
        SafeTensors.Write(path, [new("t", SafeTensorType.U8, [], new byte[] { 2 })]);
        using var young = SafeTensors.Open(path);
        Assert.Equal([1], old.ReadBytes("t"));
        Assert.Equal([2], young.ReadBytes("t"));
    }
}
