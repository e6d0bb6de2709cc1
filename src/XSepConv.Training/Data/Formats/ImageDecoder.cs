using StbImageSharp;

namespace XSepConv.Training;

/// <summary>Decodes PNG and JPEG files to squares of a size.</summary>
/// <remarks>
/// By StbImageSharp, a port of stb_image: managed code without native files, public domain, usable in programs compiled ahead of time. It has no
/// bounds of its own, so a file is checked before it gets there.
/// </remarks>
internal static class ImageDecoder
{
    /// <summary>No file is larger.</summary>
    public const int MostFileBytes = 64 << 20;

    private const int LargestSide = 16_384;
    private const int MostPixels = 50_000_000;

    /// <summary>Decodes a file, cuts out the square in its middle, and scales that.</summary>
    /// <param name="file">A PNG or JPEG file, whatever its name says. Alpha is dropped, 16 bits become 8, grey becomes colour; the orientation in a camera's notes is not looked at.</param>
    /// <param name="what">Its name, for errors.</param>
    /// <param name="side">Rows and columns wanted.</param>
    /// <param name="target">[3, side, side]: red, green, blue.</param>
    /// <exception cref="InvalidDataException">It is neither, damaged, or too large.</exception>
    public static void Decode(byte[] file, string what, int side, Span<byte> target)
    {
        var (pixels, width, height) = Decode(file, what);
        var square = Math.Min(width, height);
        TriangleFilter.Resize(pixels, width, (width - square) / 2, (height - square) / 2, square, side, target);
    }

    /// <summary>Decodes a file.</summary>
    /// <returns>[height, width, 3].</returns>
    /// <exception cref="InvalidDataException">It is neither, damaged, or too large.</exception>
    public static (byte[] Pixels, int Width, int Height) Decode(byte[] file, string what)
    {
        var size = file.AsSpan().StartsWith(PngHeader.Magic) ? PngHeader.Check(file, what)
            : file.AsSpan().StartsWith(JpegHeader.Magic) ? JpegHeader.Check(file, what)
            : throw new InvalidDataException($"{what}: is neither a PNG nor a JPEG file; it starts with '{Convert.ToHexString(file.AsSpan(0, Math.Min(8, file.Length)))}'.");
        var image = Damage.AsInvalidData(what, "image", () => ImageResult.FromMemory(file, ColorComponents.RedGreenBlue));
        return (image.Width, image.Height) == size
            ? (image.Data, image.Width, image.Height)
            : throw new InvalidDataException($"{what}: claims {size.Width}×{size.Height} pixels but decodes to {image.Width}×{image.Height}.");
    }

    /// <summary>Refuses what would take too much memory, before anything is allocated for it.</summary>
    public static (int Width, int Height) CheckSize(uint width, uint height, string what) =>
        width is >= 1 and <= LargestSide && height is >= 1 and <= LargestSide && (long)width * height <= MostPixels
            ? ((int)width, (int)height)
            : throw new InvalidDataException($"{what}: claims {width}×{height} pixels; 1 to {LargestSide} each way and at most {MostPixels} in all are read.");
}
