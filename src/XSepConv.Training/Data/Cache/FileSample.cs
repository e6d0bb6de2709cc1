using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace XSepConv.Training;

/// <summary>
/// Tells a file's bytes from others without reading all of a large one. Names, sizes and times are kept by who copies over a file with
/// others like it: uncompressed pictures, archives with fixed times.
/// </summary>
internal static class FileSample
{
    // A small file is read whole. In a compressed one whatever follows a change is other than it was.
    private const int Pieces = 8, PieceBytes = 8 * 1024;

    /// <summary>A hash, in hexadecimal, of the length and of pieces from the beginning to the end; empty where it can't be read.</summary>
    public static string Of(string path)
    {
        try
        {
            using var file = RegularFile.OpenHandle(path);
            return Of(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return "";
        }
    }

    private static string Of(SafeFileHandle file)
    {
        var length = RandomAccess.GetLength(file);
        var hash = new XxHash128();
        Span<byte> piece = stackalloc byte[PieceBytes];
        BinaryPrimitives.WriteInt64LittleEndian(piece, length);
        hash.Append(piece[..sizeof(long)]);
        for (var i = 0; i < Pieces; i++)
        {
            var start = length <= Pieces * PieceBytes ? (long)i * PieceBytes : (length - PieceBytes) * i / (Pieces - 1);
            hash.Append(piece[..RandomAccess.Read(file, piece, start)]);
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
