namespace XSepConv.Imaging;

/// <summary>
/// Whether the tables of a JPEG file are as long as their segment says: the decoder reads on behind it, and takes what it then can't finish
/// for finished.
/// </summary>
internal static class JpegTables
{
    private const int Coefficients = 64;
    private const int CodeLengths = 16;

    /// <summary>Of a segment of quantisation tables (0xDB): each a byte, and 64 of one or two.</summary>
    public static bool AreQuantization(ReadOnlySpan<byte> segment)
    {
        while (!segment.IsEmpty)
        {
            var bytes = 1 + (Coefficients * (1 + (segment[0] >> 4)));
            if (segment[0] >> 4 > 1 || segment.Length < bytes) return false;
            segment = segment[bytes..];
        }

        return true;
    }

    /// <summary>
    /// Of a segment of Huffman tables (0xC4): each a byte, how many codes there are of 1 to 16 bits, and a byte for each code.
    /// </summary>
    public static bool AreHuffman(ReadOnlySpan<byte> segment)
    {
        while (!segment.IsEmpty)
        {
            if (segment.Length < 1 + CodeLengths) return false;
            var bytes = 1 + CodeLengths;
            foreach (var codes in segment.Slice(1, CodeLengths)) bytes += codes;
            if (segment.Length < bytes) return false;
            segment = segment[bytes..];
        }

        return true;
    }
}
