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

    private static readonly Dictionary<string, string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        [".png"] = Png,
        [".jpg"] = Jpeg,
        [".jpeg"] = Jpeg,
        [".jpe"] = Jpeg,
        [".jfif"] = Jpeg,
        [".jif"] = Jpeg,
        [".pjpeg"] = Jpeg,
        [".pjp"] = Jpeg,
        [".webp"] = "WebP",
        [".gif"] = "GIF",
        [".bmp"] = Bmp,
        [".dib"] = Bmp,
        [".tif"] = "TIFF",
        [".tiff"] = "TIFF",
        [".heic"] = Heic,
        [".heif"] = Heic,
        [".hif"] = Heic,
        [".avif"] = "AVIF",
        [".jp2"] = Jpeg2000,
        [".j2k"] = Jpeg2000,
        [".jpf"] = Jpeg2000,
        [".jpx"] = Jpeg2000,
        [".jxl"] = "JPEG XL",
        [".ppm"] = "netpbm",
        [".pgm"] = "netpbm",
        [".pbm"] = "netpbm",
        [".pnm"] = "netpbm",
        [".tga"] = "Targa",
        [".psd"] = "Photoshop",
        [".svg"] = "SVG",
        [".ico"] = "icon",
        [".exr"] = "OpenEXR",
        [".hdr"] = "Radiance",
        [".pcx"] = "PCX",
        [".qoi"] = "QOI",
        [".dng"] = "raw camera",
        [".cr2"] = "raw camera",
        [".cr3"] = "raw camera",
        [".nef"] = "raw camera",
        [".arw"] = "raw camera",
        [".dcm"] = "DICOM",
    };

    /// <summary>Those whose first bytes need not be looked at: sets have one for each picture.</summary>
    private static readonly string[] Texts = [".txt", ".json", ".xml", ".csv", ".md", ".yaml", ".yml"];

    /// <summary>Of the kinds that first bytes tell, those of pictures that no text begins like.</summary>
    private static readonly string?[] Recognised =
        ["GIF", "WebP", "TIFF", "AVIF", Heic, "HEIF", Jpeg2000, "JPEG XL", "JPEG XR", "QOI", "a Photoshop file"];

    /// <summary>The kind that a name's extension says; null where it is none of a picture.</summary>
    public static string? OfExtension(string extension) => Names.GetValueOrDefault(extension);

    /// <summary>Whether pictures of the kind are read.</summary>
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
