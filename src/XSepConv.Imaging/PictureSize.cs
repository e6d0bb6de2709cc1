using System.Buffers.Binary;

namespace XSepConv.Imaging;

/// <summary>The size that a PNG or JPEG file says it has, read off its first segments; nothing is decoded or checked.</summary>
internal static class PictureSize
{
    private const int PngHeader = 24, PngSizeAt = 16;

    // Segments, and bytes of junk between them.
    private const int MostSteps = 10_000;

    /// <summary>Width and height as they are stored, whatever the orientation; null where the file does not say them.</summary>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static (int Width, int Height)? Of(Stream file)
    {
        Span<byte> first = stackalloc byte[PngHeader];
        var known = file.ReadAtLeast(first, PngHeader, throwOnEndOfStream: false);
        if (known < PngHeader) return null;
        if (first.StartsWith(PngFile.Magic))
        {
            return Sides(
                BinaryPrimitives.ReadUInt32BigEndian(first[PngSizeAt..]), BinaryPrimitives.ReadUInt32BigEndian(first[(PngSizeAt + 4)..]));
        }

        if (!first.StartsWith(JpegFile.Magic)) return null;
        file.Position = 2;
        return JpegSize(file);
    }

    private static (int, int)? JpegSize(Stream file)
    {
        Span<byte> segment = stackalloc byte[9];
        for (var step = 0; step < MostSteps; step++)
        {
            // FF, a marker, the length with its own two bytes; in a frame then the precision, height and width.
            if (file.ReadAtLeast(segment, segment.Length, throwOnEndOfStream: false) < segment.Length) return null;
            if (segment[0] != 0xFF || segment[1] is 0x00 or 0xFF)
            {
                file.Position -= segment.Length - 1;
                continue;
            }

            var isFrame = segment[1] is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);
            if (isFrame)
            {
                return Sides(BinaryPrimitives.ReadUInt16BigEndian(segment[7..]), BinaryPrimitives.ReadUInt16BigEndian(segment[5..]));
            }

            var length = BinaryPrimitives.ReadUInt16BigEndian(segment[2..]);
            if (length < 2) return null;
            file.Position += 2 + length - segment.Length;
        }

        return null;
    }

    private static (int, int)? Sides(uint width, uint height) =>
        width is >= 1 and <= int.MaxValue && height is >= 1 and <= int.MaxValue ? ((int)width, (int)height) : null;
}
