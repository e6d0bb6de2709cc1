using System.Text;

namespace XSepConv;

/// <summary>
/// Files that are often taken for safetensors, by their first bytes, and what to do with them. Asked only about a file that is no
/// safetensors.
/// </summary>
internal static class ForeignFile
{
    public const int Length = 512;

    private const string FromPyTorch =
        "save its state dict as safetensors in Python, with safetensors.torch.save_file or save_safetensors of "
        + "interop/pytorch/xsepconv_torch.py";

    private static readonly (byte[] Start, string What)[] Magics =
    [
        ([.. "GGUF"u8], "it is a GGUF file of llama.cpp, whose weights are quantised; convert it to safetensors where it came from"),
        ([0x89, .. "HDF\r\n\u001a\n"u8], "it is an HDF5 file, as Keras writes .h5; save the weights as safetensors in Python"),
        ([0x93, .. "NUMPY"u8], "it is a NumPy array (.npy); save named arrays as safetensors in Python, with safetensors.numpy.save_file"),
        ([0x1F, 0x8B], "it is compressed with gzip; unpack it"),
        ([0x28, 0xB5, 0x2F, 0xFD], "it is compressed with Zstandard; unpack it"),
        ([0xFD, .. "7zXZ\0"u8], "it is compressed with xz; unpack it"),
        ([.. "BZh"u8], "it is compressed with bzip2; unpack it"),
        ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "it is a 7z archive; unpack it"),
        ([0x89, .. "PNG\r\n"u8], "it is a PNG picture, not weights"),
        ([0xFF, 0xD8, 0xFF], "it is a JPEG picture, not weights"),
        ([.. "version https://git-lfs"u8], "it is a pointer of Git LFS, not the file itself; run 'git lfs pull', or download the file"),
    ];

    /// <summary>What the file is, as the end of a sentence; null where it isn't known.</summary>
    public static string? Recognise(ReadOnlySpan<byte> start)
    {
        foreach (var (magic, what) in Magics)
        {
            if (start.StartsWith(magic)) return what;
        }

        if (start.StartsWith("PK\u0003\u0004"u8)) return Zip(start);
        if (start is [0x80, >= 2 and <= 5, ..]) return $"it is a pickle, as older versions of PyTorch write .pth and .pt; {FromPyTorch}";
        if (start.Length >= 8 && start[4..].StartsWith("TFL3"u8))
        {
            return "it is a model of TensorFlow Lite, which holds no state dict of PyTorch";
        }
        if (start.Length >= 262 && start[257..].StartsWith("ustar"u8)) return "it is a tar archive; unpack it";
        if (IsOnnx(start))
        {
            return "it is an ONNX model, which holds a graph and not a state dict; run it with ONNX Runtime, or take the weights it was "
                + "exported from";
        }
        if (start is [0x08, 0x01, 0x12, ..]) return "it is a SavedModel of TensorFlow; save the weights as safetensors in Python";
        if (IsTorchSharp(start))
        {
            return "it is TorchSharp's own format, as Module.save writes it; load it into the module with Module.load and save that with "
                + "SaveSafeTensors";
        }

        return Text(start);
    }

    // The first entry's name follows the thirty bytes of its header.
    private static string Zip(ReadOnlySpan<byte> start)
    {
        const int Header = 30;
        var length = start.Length < Header ? 0 : start[26] | (start[27] << 8);
        var name = start.Length < Header ? "" : Encoding.ASCII.GetString(start.Slice(Header, Math.Min(length, start.Length - Header)));
        return IsPyTorch(name) ? $"it is a checkpoint of PyTorch (torch.save, .pth or .pt); {FromPyTorch}"
            : name.EndsWith(".npy", StringComparison.Ordinal)
                ? "it is an archive of NumPy arrays (.npz); save them as safetensors in Python, with safetensors.numpy.save_file"
            : "it is a zip archive; unpack it, or where PyTorch or Keras wrote it, save the weights as safetensors in Python";
    }

    // archive/data.pkl of torch.save, archive/data/0 of TorchScript, archive/.format_version of newer ones.
    private static bool IsPyTorch(string name)
    {
        var inside = name[(name.IndexOf('/', StringComparison.Ordinal) + 1)..];
        return inside == "data.pkl" || inside.StartsWith("data/", StringComparison.Ordinal) || inside == ".format_version";
    }

    // ModelProto: ir_version from 3 on, then a producer's name, an opset, a graph or a domain.
    private static bool IsOnnx(ReadOnlySpan<byte> start) =>
        start is [0x08, >= 3 and <= 0x20, 0x12 or 0x1A or 0x22 or 0x2A or 0x32 or 0x3A or 0x42, ..];

    // The number of entries, then the first one's key with its length: both in seven bits a byte.
    private static bool IsTorchSharp(ReadOnlySpan<byte> start)
    {
        const int LongestKey = 200;
        if (!ReadNumber(ref start, out var entries) || entries == 0 || !ReadNumber(ref start, out var length)) return false;
        if (length is 0 or > LongestKey || start.Length < length + 2) return false;
        foreach (var letter in start[..length])
        {
            if (!char.IsAsciiLetterOrDigit((char)letter) && letter is not ((byte)'.' or (byte)'_' or (byte)'-')) return false;
        }

        // Its element type is one of few, its rank small.
        return start[length] < 32 && start[length + 1] < 32;
    }

    private static bool ReadNumber(ref ReadOnlySpan<byte> bytes, out int number)
    {
        number = 0;
        for (var i = 0; i < Math.Min(bytes.Length, 4); i++)
        {
            number |= (bytes[i] & 0x7F) << (7 * i);
            if (bytes[i] >= 0x80) continue;
            bytes = bytes[(i + 1)..];
            return true;
        }

        return false;
    }

    private static string? Text(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("\uFEFF"u8)) start = start[3..];
        start = start.TrimStart(" \t\r\n"u8);
        return start is [(byte)'<', ..]
            ? "it is a web page or XML, perhaps the page of the download instead of the file; download the file itself"
            : start is [(byte)'{' or (byte)'[', ..]
            ? "it is JSON text, such as a configuration or the index of a checkpoint in several files; name the file with the weights"
            : null;
    }
}
