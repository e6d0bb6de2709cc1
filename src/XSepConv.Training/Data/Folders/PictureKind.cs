namespace XSepConv.Training;

/// <summary>Kinds of picture files, by their names and by their first bytes.</summary>
internal static class PictureKind
{
    /// <summary>As many tell every kind.</summary>
    public const int FirstBytes = 32;

    private const string Jpeg = "JPEG";
    private const string Png = "PNG";
    private const string Bmp = "BMP";
    private const string Heic = "HEIC";
    private const string Jpeg2000 = "JPEG 2000";

    private static readonly Dictionary<string, string> Names = new (string Kind, string Extensions)[]
    {
        (Png, ".png"),
        (Jpeg, ".jpg .jpeg .jpe .jfif .jif .pjpeg .pjp"),
        ("WebP", ".webp"),
        ("GIF", ".gif"),
        (Bmp, ".bmp .dib"),
        ("TIFF", ".tif .tiff"),
        (Heic, ".heic .heif .hif"),
        ("AVIF", ".avif"),
        (Jpeg2000, ".jp2 .j2k .jpf .jpx"),
        ("JPEG XL", ".jxl"),
        ("netpbm", ".ppm .pgm .pbm .pnm"),
        ("Targa", ".tga"),
        ("Photoshop", ".psd"),
        ("SVG", ".svg"),
        ("icon", ".ico"),
        ("OpenEXR", ".exr"),
        ("Radiance", ".hdr"),
        ("PCX", ".pcx"),
        ("QOI", ".qoi"),
        ("raw camera", ".dng .cr2 .cr3 .nef .arw"),
        ("DICOM", ".dcm"),
    }.SelectMany(known => known.Extensions.Split(' '), (known, extension) => (extension, known.Kind))
        .ToDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Those whose first bytes need not be looked at: sets have one for each picture.</summary>
    private static readonly string[] Texts = [".txt", ".json", ".xml", ".csv", ".md", ".yaml", ".yml"];

    /// <summary>Of the kinds that first bytes tell, those of pictures that no text begins like.</summary>
    private static readonly string?[] Recognised =
        ["GIF", "WebP", "TIFF", "AVIF", Heic, "HEIF", Jpeg2000, "JPEG XL", "JPEG XR", "QOI", "a Photoshop file"];

    /// <summary>The kind that a name's extension says; null where it is none of a picture.</summary>
    public static string? OfExtension(string extension) => Names.GetValueOrDefault(extension);

    public static bool IsRead(string kind) => kind is Png or Jpeg;

    /// <summary>Whether a file of that extension may be a picture all the same.</summary>
    public static bool MayHide(string extension) => !Texts.Contains(extension, StringComparer.OrdinalIgnoreCase);

    /// <summary>The kind that first bytes say; null where they are none of a picture.</summary>
    public static string? OfContent(ReadOnlySpan<byte> first)
    {
        if (first.StartsWith(PngFile.Magic)) return Png;
        if (first.StartsWith(JpegFile.Magic)) return Jpeg;
        var kind = ImageKind.Of(first);

        // Two letters are little to go by; four bytes that must be 0 follow the size.
        if (kind == Bmp) return first.Length >= 10 && !first[6..10].ContainsAnyExcept((byte)0) ? Bmp : null;
        return Recognised.Contains(kind) ? kind : null;
    }
}
