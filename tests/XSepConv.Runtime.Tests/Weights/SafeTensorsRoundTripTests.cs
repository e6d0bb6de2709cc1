using System.Collections.Immutable;
using System.Text;

namespace XSepConv.Runtime.Tests.Weights;

public sealed class SafeTensorsRoundTripTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("xsepconv-");

    private static ImmutableArray<SafeTensor> OneOfEachType =>
    [
        new("u8", SafeTensorType.U8, [3], new byte[] { 1, 2, 255 }),
        new("bool", SafeTensorType.Bool, [2, 1], new byte[] { 0, 1 }),
        new("f16", SafeTensorType.F16, [1], new byte[] { 0x00, 0x3C }),
        new("f64", SafeTensorType.F64, [], new byte[] { 0, 0, 0, 0, 0, 0, 0xF0, 0x3F }),
        new("i32", SafeTensorType.I32, [1, 1, 1], new byte[] { 0xFE, 0xFF, 0xFF, 0xFF }),
        new("f32", SafeTensorType.F32, [2], new byte[] { 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0 }),
        new("bf16", SafeTensorType.BF16, [1], new byte[] { 0x80, 0x3F }),
        new("i64", SafeTensorType.I64, [1], new byte[] { 7, 0, 0, 0, 0, 0, 0, 0 }),
        new("none", SafeTensorType.F32, [0, 5], Array.Empty<byte>()),
        new("", SafeTensorType.U8, [], new byte[] { 9 }),
        new("日本 \"quoted\" \\ \n 🙂", SafeTensorType.U8, [1], new byte[] { 8 }),
    ];

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_type_comes_back_as_it_was_written(bool fromStream)
    {
        var path = Path.Combine(folder.FullName, "a.safetensors");
        var metadata = new Dictionary<string, string> { ["format"] = "pt", ["note"] = "ä \"quotes\" </script>\u0000" };
        SafeTensors.Write(path, OneOfEachType, metadata);
        using var stream = File.OpenRead(path);
        using var read = fromStream ? SafeTensors.Read(stream) : SafeTensors.Open(path);
        Assert.Equal(metadata, read.Metadata);
        Assert.Equal(OneOfEachType.Length, read.Tensors.Count);
        foreach (var tensor in OneOfEachType)
        {
            Assert.True(read.Contains(tensor.Name));
            var info = read.Tensors[tensor.Name];
            Assert.Equal(tensor.Type, info.Type);
            Assert.Equal(tensor.Shape, info.Shape);
            Assert.Equal(tensor.Data.Length, info.ByteLength);
            Assert.Equal(tensor.Data, read.ReadBytes(tensor.Name));
        }
    }

    [Fact]
    public void A_file_has_the_bytes_of_the_format()
    {
        using var stream = new MemoryStream();
        SafeTensors.Write(stream, [new("b", SafeTensorType.U8, [2], new byte[] { 5, 6 }), new("a", SafeTensorType.F32, [1], new byte[] { 1, 2, 3, 4 })],
            new Dictionary<string, string> { ["k"] = "v" });

        // F32 before U8: larger elements first. Spaces fill the header up, so that the data starts at a multiple of 8.
        const string Header = """{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}}""";
        var padded = Header.PadRight((Header.Length + 7) / 8 * 8);
        byte[] expected = [(byte)padded.Length, 0, 0, 0, 0, 0, 0, 0, .. Encoding.ASCII.GetBytes(padded), 1, 2, 3, 4, 5, 6];
        Assert.Equal(expected, stream.ToArray());
    }
}
