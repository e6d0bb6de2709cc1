using System.Buffers.Binary;
using System.IO.Compression;

namespace XSepConv.Training;

/// <summary>Checks a PNG file from end to end before it is decoded: chunks, sizes, and that its compressed data hold what the header claims and no more.</summary>
/// <remarks>The decoder itself believes a chunk's length and unpacks without a bound.</remarks>
internal static class PngHeader
{
    public static ReadOnlySpan<byte> Magic => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    private const int ChunkFrame = 12;

    /// <summary>Width and height.</summary>
    /// <exception cref="InvalidDataException">It is damaged or too large.</exception>
    public static (int Width, int Height) Check(byte[] file, string what)
    {
        var at = Magic.Length;
        (int Width, int Height)? size = null;
        long expected = 0;
        using var data = new MemoryStream();
        while (true)
        {
            if (file.Length - at < ChunkFrame) throw new InvalidDataException($"{what}: the PNG file ends before its last chunk (IEND).");
            var length = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at));
            if (length > file.Length - at - ChunkFrame) throw new InvalidDataException($"{what}: a chunk of the PNG file claims {length} bytes, {file.Length - at - ChunkFrame} are left.");
            var content = file.AsSpan(at + 8, (int)length);
            var type = file.AsSpan(at + 4, 4);
            if (size is null)
            {
                if (!type.SequenceEqual("IHDR"u8) || length != 13) throw new InvalidDataException($"{what}: the PNG file does not begin with its header (IHDR).");
                (size, expected) = ReadHeader(content, what);
            }
            else if (type.SequenceEqual("IDAT"u8))
            {
                data.Write(content);
            }
            else if (type.SequenceEqual("IEND"u8))
            {
                break;
            }

            at += ChunkFrame + (int)length;
        }

        CheckData(data, expected, what);
        return size.Value;
    }

    private static ((int Width, int Height) Size, long DataBytes) ReadHeader(ReadOnlySpan<byte> header, string what)
    {
        var (width, height) = ImageDecoder.CheckSize(BinaryPrimitives.ReadUInt32BigEndian(header), BinaryPrimitives.ReadUInt32BigEndian(header[4..]), what);
        var (depth, color, interlace) = (header[8], header[9], header[12]);
        var samples = (color, depth) switch
        {
            (0, 1 or 2 or 4 or 8 or 16) or (3, 1 or 2 or 4 or 8) => 1,
            (2, 8 or 16) => 3,
            (4, 8 or 16) => 2,
            (6, 8 or 16) => 4,
            _ => throw new InvalidDataException($"{what}: the PNG file has colour type {color} with {depth} bits, which no PNG file has."),
        };
        if (header[10] != 0 || header[11] != 0 || interlace > 1) throw new InvalidDataException($"{what}: the PNG file has an unknown compression, filter or interlacing.");
        var bits = samples * depth;
        if (interlace == 0) return ((width, height), height * RowBytes(width));

        // Adam7: seven passes over columns x0, x0 + dx, … of rows y0, y0 + dy, …; a pass without pixels has no bytes.
        long bytes = 0;
        ReadOnlySpan<int> passes = [0, 0, 8, 8, 4, 0, 8, 8, 0, 4, 4, 8, 2, 0, 4, 4, 0, 2, 2, 4, 1, 0, 2, 2, 0, 1, 1, 2];
        for (var pass = 0; pass < passes.Length; pass += 4)
        {
            var columns = (width - passes[pass] + passes[pass + 2] - 1) / passes[pass + 2];
            var rows = (height - passes[pass + 1] + passes[pass + 3] - 1) / passes[pass + 3];
            if (columns > 0 && rows > 0) bytes += rows * RowBytes(columns);
        }

        return ((width, height), bytes);

        // A filter byte, then the pixels.
        long RowBytes(int columns) => 1 + ((((long)columns * bits) + 7) / 8);
    }

    private static void CheckData(MemoryStream data, long expected, string what)
    {
        data.Position = 0;
        using var unzipped = new ZLibStream(data, CompressionMode.Decompress, leaveOpen: true);
        var buffer = new byte[1 << 14];
        long total = 0;
        Damage.AsInvalidData(what, "PNG's compressed data", () =>
        {
            int got;
            while ((got = unzipped.Read(buffer)) > 0)
            {
                total += got;
                if (total > expected) throw new InvalidDataException($"{what}: the PNG file unpacks to more than the {expected} bytes its size needs.");
            }
        });
        if (total < expected) throw new InvalidDataException($"{what}: the PNG file unpacks to {total} bytes, its size needs {expected}.");
    }
}
