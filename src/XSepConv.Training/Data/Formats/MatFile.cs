using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace XSepConv.Training;

/// <summary>A real numeric array of a MAT file, being read.</summary>
/// <param name="Dimensions">Sizes; the first one varies fastest.</param>
/// <param name="Type">How the numbers are stored: an <c>mi…</c> type.</param>
/// <param name="Data">The numbers, little-endian.</param>
internal sealed record MatArray(string Name, IReadOnlyList<int> Dimensions, int Type, BoundedStream Data)
{
    /// <summary>Bytes of a number; 0 for a type that is none.</summary>
    public static int SizeOf(int type) => type switch { 1 or 2 => 1, 3 or 4 => 2, 5 or 6 or 7 => 4, 9 or 12 or 13 => 8, _ => 0 };

    /// <summary>A number, which must be whole and fit.</summary>
    public int ToInt32(ReadOnlySpan<byte> bytes, string what)
    {
        var value = Type switch
        {
            1 => (sbyte)bytes[0],
            2 => bytes[0],
            3 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            4 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            5 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            6 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            7 => BinaryPrimitives.ReadSingleLittleEndian(bytes),
            9 => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            12 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        };
        return value == Math.Floor(value) && Math.Abs(value) <= int.MaxValue
            ? (int)value
            : throw new InvalidDataException($"{what}: '{Name}' holds {value}, which is no class.");
    }
}

/// <summary>
/// Reads MAT files of version 5 (MathWorks, "MAT-File Format", chapter 1): the real numeric arrays, plain or compressed by zlib.
/// </summary>
/// <remarks>Everything is read in passing, nothing is allocated by a length in the file but up to 31 dimensions and a short name.</remarks>
internal static class MatFile
{
    private const int TypeMatrix = 14, TypeCompressed = 15;
    private const int MostDimensions = 31;
    private const int LongestName = 63;
    private const int MostElements = 1_000;

    /// <summary>Shows every real numeric array of a file, in its order.</summary>
    /// <param name="file">At its start.</param>
    /// <param name="visit">Reads as much of the data as it likes.</param>
    /// <exception cref="InvalidDataException">It is no such file, or damaged.</exception>
    public static void Read(Stream file, string what, Action<MatArray> visit)
    {
        Span<byte> header = stackalloc byte[128];
        var got = file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (got < header.Length) throw new InvalidDataException($"{what}: has {got} bytes, the header of a MAT file alone has 128.");
        if (header.StartsWith("MATLAB 7.3"u8))
        {
            throw new InvalidDataException($"{what}: is a MAT file of version 7.3 (HDF5); version 5 is read.");
        }

        var (version, order) = (BinaryPrimitives.ReadUInt16LittleEndian(header[124..]), Encoding.ASCII.GetString(header[126..128]));
        if (order != "IM" || version != 0x0100)
        {
            throw new InvalidDataException(
                $"{what}: is no little-endian MAT file of version 5: "
                + $"its header ends with version 0x{version:X4} and '{(order == "MI" ? order : Convert.ToHexString(header[126..128]))}', "
                + "0x0100 and 'IM' are right.");
        }

        var tag = new byte[8];
        for (var elements = 0; ; elements++)
        {
            got = file.ReadAtLeast(tag, 8, throwOnEndOfStream: false);
            if (got == 0) return;
            if (got < 8) throw new InvalidDataException($"{what}: ends inside the tag of an element.");
            if (elements == MostElements) throw new InvalidDataException($"{what}: has more than {MostElements} elements.");
            var (type, bytes) = (BinaryPrimitives.ReadUInt32LittleEndian(tag), BinaryPrimitives.ReadUInt32LittleEndian(tag.AsSpan(4)));
            using var element = new BoundedStream(file, bytes, what);
            if (type == TypeCompressed) ReadCompressed(element, what, visit);
            else if (type == TypeMatrix) ReadMatrix(element, what, visit);
            element.CopyTo(Stream.Null);

            // Uncompressed elements are padded to 8 bytes; compressed ones are not.
            if (type == TypeCompressed) continue;
            using var padding = new BoundedStream(file, Padding(bytes), what);
            padding.CopyTo(Stream.Null);
        }
    }

    private static void ReadCompressed(BoundedStream element, string what, Action<MatArray> visit)
    {
        using var unzipped = new ZLibStream(element, CompressionMode.Decompress, leaveOpen: true);
        var tag = new byte[8];
        Damage.AsInvalidData(what, "compressed data", () =>
        {
            unzipped.ReadExactly(tag);
            if (BinaryPrimitives.ReadUInt32LittleEndian(tag) != TypeMatrix) return;
            using var matrix = new BoundedStream(unzipped, BinaryPrimitives.ReadUInt32LittleEndian(tag.AsSpan(4)), what);
            ReadMatrix(matrix, what, visit);
        });
    }

    private static void ReadMatrix(BoundedStream matrix, string what, Action<MatArray> visit)
    {
        var flags = ReadSmall(matrix, what, "array flags", 16);
        if (flags.Length != 8) throw new InvalidDataException($"{what}: the flags of an array have {flags.Length} bytes, 8 are right.");

        // Classes 6 to 15 are numeric; bit 3 of the flags says that there is an imaginary part.
        if (flags[0] is < 6 or > 15 || (flags[1] & 8) != 0) return;
        var sizes = ReadSmall(matrix, what, "dimensions", MostDimensions * 4);
        if (sizes.Length is < 8 || sizes.Length % 4 != 0)
        {
            throw new InvalidDataException(
                $"{what}: the dimensions of an array have {sizes.Length} bytes; 4 for each of two or more are right.");
        }

        var dimensions = new int[sizes.Length / 4];
        for (var i = 0; i < dimensions.Length; i++)
        {
            dimensions[i] = BinaryPrimitives.ReadInt32LittleEndian(sizes.AsSpan(i * 4));
            if (dimensions[i] < 0) throw new InvalidDataException($"{what}: an array has the dimension {dimensions[i]}.");
        }

        var name = Encoding.ASCII.GetString(ReadSmall(matrix, what, "name", LongestName));
        var (type, data, _) = ReadTag(matrix, what, $"numbers of '{Printable(name)}'");
        visit(new MatArray(Printable(name), dimensions, type, data));
    }

    private static byte[] ReadSmall(BoundedStream matrix, string what, string part, int most)
    {
        var (_, data, padding) = ReadTag(matrix, what, part);
        if (data.Left > most)
        {
            throw new InvalidDataException($"{what}: the {part} of an array claim {data.Left} bytes; at most {most} are read.");
        }

        var bytes = new byte[data.Left];
        data.Fill(bytes);
        matrix.Fill(new byte[padding]);
        return bytes;
    }

    /// <summary>The type of an element, its data and what pads it: after a tag of 8 bytes, or, for up to 4 bytes, within the tag.</summary>
    private static (int Type, BoundedStream Data, int Padding) ReadTag(BoundedStream matrix, string what, string part)
    {
        var tag = new byte[8];
        matrix.Fill(tag);
        var (first, second) = (BinaryPrimitives.ReadUInt32LittleEndian(tag), BinaryPrimitives.ReadUInt32LittleEndian(tag.AsSpan(4)));
        var small = first >> 16;
        if (small > 4) throw new InvalidDataException($"{what}: a short element of the {part} claims {small} bytes; at most 4 are right.");
        if (small > 0) return ((int)(first & 0xFFFF), new(new MemoryStream(tag, 4, (int)small), small, what), 0);
        if (second > matrix.Left)
        {
            throw new InvalidDataException($"{what}: the {part} of an array claim {second} bytes, {matrix.Left} are left.");
        }

        return ((int)first, new(matrix, second, what), (int)Padding(second));
    }

    private static long Padding(uint bytes) => (8 - (bytes % 8)) % 8;

    private static string Printable(string name) => string.Concat(name.Select(c => c is >= ' ' and <= '~' ? c : '?'));
}
