using System.Buffers.Binary;

namespace XSepConv.Training;

/// <summary>Checks a JPEG file before it is decoded: markers, sizes, and that it is not cut off.</summary>
/// <remarks>The decoder itself fills what is missing with grey, and allocates for any size that is claimed.</remarks>
internal static class JpegHeader
{
    // A block of 8×8 pixels takes a bit at least in some scan, and the coarsest sampling spreads a block over 4 of them in each direction.
    private const int MostPixelsPerByte = 2_048;

    public static ReadOnlySpan<byte> Magic => [0xFF, 0xD8, 0xFF];

    /// <summary>Width and height.</summary>
    /// <exception cref="InvalidDataException">It is damaged, too large, or of a kind that is not read.</exception>
    public static (int Width, int Height) Check(byte[] file, string what)
    {
        (int Width, int Height)? size = null;
        var at = 2;
        while (true)
        {
            while (at + 1 < file.Length && file[at] == 0xFF && file[at + 1] == 0xFF) at++;
            if (at + 4 > file.Length) throw new InvalidDataException($"{what}: the JPEG file ends before its image.");
            if (file[at] != 0xFF) throw new InvalidDataException($"{what}: the JPEG file has the byte 0x{file[at]:X2} where a marker (0xFF) is due.");
            var marker = file[at + 1];
            var length = BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at + 2));
            if (length < 2 || at + 2 + length > file.Length) throw new InvalidDataException($"{what}: a segment of the JPEG file claims {length} bytes, {file.Length - at - 2} are left.");
            var segment = file.AsSpan(at + 4, length - 2);
            at += 2 + length;
            switch (marker)
            {
                case 0xC0 or 0xC1 or 0xC2:
                    if (size is not null) throw new InvalidDataException($"{what}: the JPEG file has two images.");
                    size = ReadFrame(segment, what);
                    if ((long)size.Value.Width * size.Value.Height > (long)file.Length * MostPixelsPerByte)
                    {
                        throw new InvalidDataException($"{what}: the JPEG file claims {size.Value.Width}×{size.Value.Height} pixels in {file.Length} bytes, which can't hold them.");
                    }

                    break;
                case 0xDA:
                    if (size is null) throw new InvalidDataException($"{what}: the JPEG file has no frame header before its image.");
                    if (file.AsSpan(at).LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xD9]) < 0) throw new InvalidDataException($"{what}: the JPEG file is cut off: it has no end-of-image marker.");
                    return size.Value;
                case 0xC4 or 0xDB or 0xDD or 0xFE or (>= 0xE0 and <= 0xEF):
                    break;
                default:
                    throw new InvalidDataException($"{what}: the JPEG file has the marker 0x{marker:X2}; baseline and progressive Huffman-coded files are read.");
            }
        }
    }

    private static (int Width, int Height) ReadFrame(ReadOnlySpan<byte> frame, string what)
    {
        if (frame.Length < 6 || frame[0] != 8 || frame[5] is not (1 or 3 or 4) || frame.Length != 6 + (3 * frame[5]))
        {
            throw new InvalidDataException($"{what}: the frame header of the JPEG file is damaged or of a kind that is not read (8 bits; 1, 3 or 4 components).");
        }

        return ImageDecoder.CheckSize(BinaryPrimitives.ReadUInt16BigEndian(frame[3..]), BinaryPrimitives.ReadUInt16BigEndian(frame[1..]), what);
    }
}
