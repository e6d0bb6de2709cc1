using System.Text;

namespace XSepConv.Imaging;

/// <summary>What a file is that is neither PNG nor JPEG, by its first bytes: for errors that say more than 'no'.</summary>
internal static class ImageKind
{
    private static readonly (string Start, string Kind)[] Starts =
    [
        ("GIF8", "GIF"), ("BM", "BMP"), ("II*\0", "TIFF"), ("MM\0*", "TIFF"), ("II+\0", "TIFF"), ("MM\0+", "TIFF"),
        ("8BPS", "a Photoshop file"),
        ("\0\0\x01\0", "an icon"), ("\xFF\x0A", "JPEG XL"), ("\0\0\0\x0CJXL ", "JPEG XL"), ("\0\0\0\x0CjP  ", "JPEG 2000"),
        ("\xFF\x4F\xFF\x51", "JPEG 2000"), ("qoif", "QOI"),
        ("II\xBC\x01", "JPEG XR"), ("P1", "Netpbm"), ("P2", "Netpbm"), ("P3", "Netpbm"), ("P4", "Netpbm"), ("P5", "Netpbm"),
        ("P6", "Netpbm"), ("\x8AMNG", "MNG"),
        ("%PDF", "PDF"), ("<svg", "SVG"), ("<?xml", "XML"), ("<html", "a web page"), ("<!DOCTYPE", "a web page"),
        ("PK\x03\x04", "a zip archive"), ("\x1F\x8B", "gzip"),
        ("version https://git-lfs", "a pointer of Git LFS to a file that was not fetched"),
    ];

    private static readonly (string Brand, string Kind)[] Brands =
    [
        ("avif", "AVIF"), ("avis", "AVIF"), ("heic", "HEIC"), ("heix", "HEIC"), ("hevc", "HEIC"), ("hevx", "HEIC"), ("heim", "HEIC"),
        ("heis", "HEIC"), ("mif1", "HEIF"), ("msf1", "HEIF"),
    ];

    /// <summary>In words that follow 'is'; null where nothing is recognised.</summary>
    public static string? Of(ReadOnlySpan<byte> file)
    {
        if (file.IsEmpty) return "empty";
        if (!file.ContainsAnyExcept((byte)0)) return "zeros only";

        // Every byte a character, so that binary marks can be written as text.
        var start = Encoding.Latin1.GetString(file[..Math.Min(file.Length, 32)]);
        if (start.StartsWith("RIFF", StringComparison.Ordinal) && At(8, "WEBP")) return "WebP";
        if (At(4, "ftyp") && Array.Find(Brands, brand => At(8, brand.Brand)) is { Kind: { } media }) return media;
        if (At(4, "ftyp")) return "a video or another file of the MP4 family";
        return Array.Find(
            Starts, known => start.StartsWith(
                known.Start, known.Start[0] == '<' ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal)).Kind;

        bool At(int offset, string text) => start.Length >= offset + text.Length && start.AsSpan(offset, text.Length).SequenceEqual(text);
    }
}
