using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace XSepConv.Benchmarks.Pictures;

/// <summary>A text in a PNG file that viewers do not show: here, what a picture was drawn from.</summary>
internal static class PngNote
{
    // PNG's signature and the chunk IHDR (length, type, 13 bytes, CRC), which must stay the first.
    private const int HeaderLength = 8 + 12 + 13;

    /// <summary>The file with a <c>tEXt</c> chunk after its header.</summary>
    /// <param name="png">A PNG file.</param>
    /// <param name="keyword">1 to 79 Latin-1 characters.</param>
    /// <param name="text">Latin-1.</param>
    public static byte[] Add(ReadOnlySpan<byte> png, string keyword, string text)
    {
        var data = Encoding.Latin1.GetBytes($"tEXt{keyword}\0{text}");
        var chunk = new byte[4 + data.Length + 4];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length - 4);
        data.CopyTo(chunk, 4);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(^4..), Crc32.HashToUInt32(data));
        return [.. png[..HeaderLength], .. chunk, .. png[HeaderLength..]];
    }
}
