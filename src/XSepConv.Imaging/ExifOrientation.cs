using System.Buffers.Binary;

namespace XSepConv.Imaging;

/// <summary>How a camera was held, from EXIF: a TIFF file without pixels.</summary>
/// <remarks>
/// The packages that read metadata make a program compiled ahead of time larger than all the rest of it; one number is needed. Whatever is
/// broken is taken as upright, as Pillow's <c>exif_transpose</c> takes it, whose rules these are.
/// </remarks>
internal static class ExifOrientation
{
    /// <summary>As the pixels lie.</summary>
    public const int Upright = 1;

    private const ushort Tag = 0x0112;
    private const int EntryBytes = 12;

    private static ReadOnlySpan<byte> Mark => "Exif\0"u8;

    /// <summary>Whether a segment of a JPEG file is EXIF.</summary>
    public static bool IsMarked(ReadOnlySpan<byte> segment) => segment.StartsWith(Mark);

    /// <summary>The orientation, 1 to 8.</summary>
    /// <param name="exif">EXIF, with or without the mark that it has in JPEG files.</param>
    public static int Read(ReadOnlySpan<byte> exif)
    {
        if (exif.StartsWith(Mark)) exif = exif[Math.Min(exif.Length, Mark.Length + 1)..];
        if (exif.Length < 8) return Upright;
        bool little;
        if (exif.StartsWith("II"u8)) little = true;
        else if (exif.StartsWith("MM"u8)) little = false;
        else return Upright;
        if (!(exif[2..4].SequenceEqual("*\0"u8) || exif[2..4].SequenceEqual("\0*"u8))) return Upright;

        // The first directory is that of the picture; the thumbnail's, which may say something else, comes after it.
        long at = ReadInt(exif[4..], little);
        if (at + 2 > exif.Length) return Upright;
        int count = ReadShort(exif[(int)at..], little);
        long found = Upright;
        for (at += 2; count > 0 && at + EntryBytes <= exif.Length; count--, at += EntryBytes)
        {
            var entry = exif.Slice((int)at, EntryBytes);
            if (ReadShort(entry, little) == Tag) found = Value(exif, entry, little) ?? found;
        }

        return found is >= 1 and <= 8 ? (int)found : Upright;
    }

    /// <summary>The first of an entry's whole numbers; null where it has none.</summary>
    private static long? Value(ReadOnlySpan<byte> exif, ReadOnlySpan<byte> entry, bool little)
    {
        const int Short = 3, Long = 4, SignedShort = 8, SignedLong = 9, Inline = 4;
        var size = ReadShort(entry[2..], little) switch { Short or SignedShort => 2, Long or SignedLong => 4, _ => 0 };
        var bytes = size * (long)ReadInt(entry[4..], little);
        if (bytes == 0) return null;
        var value = entry[8..];
        if (bytes > Inline)
        {
            var at = ReadInt(value, little);
            if (at + bytes > exif.Length) return null;
            value = exif[(int)at..];
        }

        return size == 2 ? ReadShort(value, little) : ReadInt(value, little);
    }

    private static ushort ReadShort(ReadOnlySpan<byte> from, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(from) : BinaryPrimitives.ReadUInt16BigEndian(from);

    private static uint ReadInt(ReadOnlySpan<byte> from, bool little) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(from) : BinaryPrimitives.ReadUInt32BigEndian(from);
}
