using System.Text;

namespace XSepConv.Runtime.Tests.Weights;

/// <summary>First bytes as the formats' specifications give them; files that other programs wrote are in the tests of XSepConv.Core and XSepConv.Onnx.</summary>
public sealed class ForeignFileTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("xsepconv-");

    public static TheoryData<string, byte[]> Files => new()
    {
        { "GGUF", [.. "GGUF"u8, 3, 0, 0, 0, .. new byte[40]] },
        { "HDF5", [0x89, .. "HDF\r\n\u001a\n"u8, .. new byte[40]] },
        { "ONNX model", [0x08, 0x07, 0x12, 0x07, .. "pytorch"u8, .. new byte[40]] },
        { "ONNX model", [0x08, 0x0A, 0x3A, 0x80, 0x01, .. new byte[40]] },
        { "SavedModel of TensorFlow", [0x08, 0x01, 0x12, 0xA0, 0x02, .. new byte[40]] },
        { "TensorFlow Lite", [0x1C, 0, 0, 0, .. "TFL3"u8, .. new byte[40]] },
        { "zip archive", [.. "PK\u0003\u0004"u8, .. new byte[100]] },
        { "Zstandard", [0x28, 0xB5, 0x2F, 0xFD, .. new byte[40]] },
        { "7z archive", [.. "7z"u8, 0xBC, 0xAF, 0x27, 0x1C, .. new byte[40]] },
        { "PNG picture", [0x89, .. "PNG\r\n\u001a\n"u8, .. new byte[40]] },
        { "JPEG picture", [0xFF, 0xD8, 0xFF, 0xE0, .. new byte[40]] },
        { "pointer of Git LFS", Encoding.ASCII.GetBytes("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n") },
        { "web page", Encoding.UTF8.GetBytes("\uFEFF\r\n <!DOCTYPE html><html><title>Sign in</title></html>") },
        { "web page", Encoding.ASCII.GetBytes("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>") },
        { "JSON text", Encoding.ASCII.GetBytes("{\"metadata\": {\"total_size\": 1}, \"weight_map\": {}}") },
    };

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_of_another_program_is_called_what_it_is(string named, byte[] content)
    {
        var path = Path.Combine(folder.FullName, "weights.safetensors");
        File.WriteAllBytes(path, content);
        var message = Assert.Throws<InvalidDataException>(() => SafeTensors.Open(path)).Message;
        Assert.Contains(path, message);
        Assert.Contains(named, message);
        Assert.Equal(message, Assert.Throws<InvalidDataException>(() => CompiledModel.Load(path)).Message);
    }

    [Theory]
    [InlineData("pointer of Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")]
    [InlineData("web page", "\r\n\r\n\r\n\r\n<!DOCTYPE html>")]
    [InlineData("checkpoint of PyTorch", "PK\u0003\u0004\u0014\0\u0008\u0008__________________\u0010\0__archive/data.pkl")]
    public void What_its_first_eight_bytes_do_not_tell_is_looked_for_in_a_stream_too(string named, string content)
    {
        var file = Encoding.ASCII.GetBytes(content);
        Assert.Contains(named, Assert.Throws<InvalidDataException>(() => SafeTensors.Read(new SafeTensorsBytes.Trickle(file))).Message);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Pieces_of_such_files_are_refused_too(string named, byte[] content)
    {
        Assert.NotEmpty(named);
        var path = Path.Combine(folder.FullName, "piece.safetensors");
        for (var length = 0; length < content.Length; length++)
        {
            var piece = content[..length];
            Assert.Throws<InvalidDataException>(() => SafeTensors.Read(new SafeTensorsBytes.Trickle(piece)));
            File.WriteAllBytes(path, piece);
            Assert.Throws<InvalidDataException>(() => SafeTensors.Open(path));
        }
    }

    [Fact]
    public void A_safetensors_file_whose_length_looks_like_another_format_is_read()
    {
        // The length of the header is 0x1208 bytes, 0x00000A08 and 0x8B1F: 'ONNX', and gzip.
        foreach (var length in new[] { 0x120308, 0x8B1F, 0x0A08 })
        {
            var header = "{}" + new string(' ', length - 2);
            using var file = SafeTensors.Read(new MemoryStream(SafeTensorsBytes.File(header)));
            Assert.Empty(file.Tensors);
        }
    }
}
