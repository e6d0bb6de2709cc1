using System.Buffers.Binary;
using System.IO.Compression;

namespace XSepConv.Training;

/// <summary>
/// Reads IDX, the format of MNIST and its kin: two zero bytes, 0x08 for bytes, the number of dimensions; each dimension as a big-endian
/// 32-bit number; the values. Usually gzipped.
/// </summary>
/// <remarks>No length in a file is believed: memory grows with what is really read, and what is claimed has bounds.</remarks>
internal static class IdxFile
{
    private const int ImagesMagic = 0x0803;
    private const int LabelsMagic = 0x0801;
    private const int MostImages = 10_000_000;
    private const int LargestSide = 1_024;
    private const long MostBytes = 1L << 30;

    /// <summary>Images: [count, rows, columns].</summary>
    /// <param name="path">Gzipped where the name ends in <c>.gz</c>.</param>
    /// <exception cref="InvalidDataException">It is not such a file; the message names file, value and what would be right.</exception>
    public static (byte[] Pixels, int Count, int Rows, int Columns) ReadImages(string path) =>
        Read(path, (stream, what) =>
        {
            ReadMagic(stream, what, ImagesMagic, "images");
            var count = ReadSize(stream, what, "number of images", MostImages);
            var rows = ReadSize(stream, what, "number of rows", LargestSide);
            var columns = ReadSize(stream, what, "number of columns", LargestSide);
            var bytes = (long)count * rows * columns;
            if (bytes > MostBytes)
            {
                throw new InvalidDataException(
                    $"{what}: {count} images of {rows}×{columns} would be {bytes} bytes; at most {MostBytes} are read.");
            }

            return (ReadAll(stream, what, (int)bytes, $"{count} images of {rows}×{columns}"), count, rows, columns);
        });

    /// <summary>Labels: [count].</summary>
    /// <param name="path">Gzipped where the name ends in <c>.gz</c>.</param>
    /// <exception cref="InvalidDataException">It is not such a file; the message names file, value and what would be right.</exception>
    public static byte[] ReadLabels(string path) =>
        Read(path, (stream, what) =>
        {
            ReadMagic(stream, what, LabelsMagic, "labels");
            var count = ReadSize(stream, what, "number of labels", MostImages);
            return ReadAll(stream, what, count, $"{count} labels");
        });

    private static T Read<T>(string path, Func<Stream, string, T> read)
    {
        using var file = RegularFile.OpenRead(path);
        if (!path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) return read(file, path);

        Archive.RequireGzip(file, path);
        using var unzipped = new GZipStream(file, CompressionMode.Decompress);
        try
        {
            return read(unzipped, path);
        }
        catch (InvalidDataException e) when (!e.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{path}: the gzip data is damaged ({e.Message}).", e);
        }
    }

    private static void ReadMagic(Stream stream, string what, int expected, string content)
    {
        var magic = ReadNumber(stream, what, "magic number");
        if (magic != expected)
        {
            throw new InvalidDataException($"{what}: the magic number is 0x{magic:X8}, an IDX file of {content} has 0x{expected:X8}.");
        }
    }

    private static int ReadSize(Stream stream, string what, string name, int most)
    {
        var size = ReadNumber(stream, what, name);
        return size >= 1 && size <= most
            ? (int)size
            : throw new InvalidDataException($"{what}: the {name} is {size}, it must be from 1 to {most}.");
    }

    private static uint ReadNumber(Stream stream, string what, string name)
    {
        Span<byte> bytes = stackalloc byte[4];
        var got = stream.ReadAtLeast(bytes, 4, throwOnEndOfStream: false);
        return got == 4
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : throw new InvalidDataException($"{what}: ends inside the {name}, after {got} of its 4 bytes.");
    }

    private static byte[] ReadAll(Stream stream, string what, int length, string content)
    {
        var bytes = new byte[Math.Min(length, 1 << 20)];
        var read = 0;
        while (read < length)
        {
            if (read == bytes.Length) Array.Resize(ref bytes, (int)Math.Min(length, bytes.Length * 2L));
            var got = stream.Read(bytes, read, bytes.Length - read);
            if (got == 0) throw new InvalidDataException($"{what}: ends after {read} of {length} bytes ({content}).");
            read += got;
        }

        if (stream.ReadByte() >= 0) throw new InvalidDataException($"{what}: goes on after its {length} bytes ({content}).");
        return bytes;
    }
}
