using StbImageSharp;

namespace XSepConv.Training;

/// <summary>Decodes PNG and JPEG files to squares of a size, as a viewer shows them: turned upright, see-through parts on a colour.</summary>
/// <remarks>
/// By StbImageSharp, a port of stb_image: managed code without native files, public domain, usable in programs compiled ahead of time. It has no
/// bounds of its own and knows no metadata, so a file is taken apart first, and only what is right and needed gets there.
/// </remarks>
internal static class ImageDecoder
{
    /// <summary>No file is larger.</summary>
    public const int MostFileBytes = 64 << 20;

    private const int LargestSide = 16_384;
    private const int MostPixels = 50_000_000;

    /// <summary>Decodes a file, cuts out the square in its middle, and scales that.</summary>
    /// <param name="file">A PNG or JPEG file, whatever its name says. 16 bits become 8, grey and CMYK become colour, and the orientation in a camera's notes (EXIF) is applied.</param>
    /// <param name="what">Its name, for errors.</param>
    /// <param name="background">What see-through pixels are laid on; null drops alpha instead.</param>
    /// <param name="side">Rows and columns wanted.</param>
    /// <param name="target">[3, side, side]: red, green, blue.</param>
    /// <exception cref="InvalidDataException">It is neither, damaged, or too large.</exception>
    public static void Decode(byte[] file, string what, Rgb? background, int side, Span<byte> target)
    {
        var pixels = Pixels(file, what, background);
        var square = Math.Min(pixels.Width, pixels.Height);
        TriangleFilter.Resize(pixels.Crop((pixels.Width - square) / 2, (pixels.Height - square) / 2, square, square), side, target);
    }

    /// <summary>Decodes a file.</summary>
    /// <returns>[height, width, 3].</returns>
    /// <exception cref="InvalidDataException">It is neither, damaged, or too large.</exception>
    public static (byte[] Pixels, int Width, int Height) Decode(byte[] file, string what, Rgb? background)
    {
        var pixels = Pixels(file, what, background);
        return (pixels.ToArray(), pixels.Width, pixels.Height);
    }

    /// <summary>Refuses what would take too much memory, before anything is allocated for it.</summary>
    public static (int Width, int Height) CheckSize(uint width, uint height, string what) =>
        width is >= 1 and <= LargestSide && height is >= 1 and <= LargestSide && (long)width * height <= MostPixels
            ? ((int)width, (int)height)
            : throw new InvalidDataException($"{what}: claims {width}×{height} pixels; 1 to {LargestSide} each way and at most {MostPixels} in all are read.");

    private static PixelView Pixels(byte[] file, string what, Rgb? background)
    {
        if (file.AsSpan().StartsWith(PngFile.Magic))
        {
            var png = PngFile.Read(file, what);
            var data = Decode(png.Content, png.Size, png.HasAlpha ? ColorComponents.RedGreenBlueAlpha : ColorComponents.RedGreenBlue, what);
            if (png.HasAlpha) Alpha.Compose(data, background);
            return PixelView.Of(data, png.Size, png.Orientation);
        }

        if (file.AsSpan().StartsWith(JpegFile.Magic))
        {
            var jpeg = JpegFile.Read(file, what);
            var data = Decode(jpeg.Content(0x00), jpeg.Size, ColorComponents.RedGreenBlue, what);

            // Without an end marker: it is whole if the picture is the same whatever follows.
            if (!jpeg.HasEnd && !data.AsSpan().SequenceEqual(Decode(jpeg.Content(0xAA), jpeg.Size, ColorComponents.RedGreenBlue, what))) throw JpegFile.CutOff(what);
            return PixelView.Of(data, jpeg.Size, jpeg.Orientation);
        }

        throw new InvalidDataException(ImageKind.Of(file) is { } kind
            ? $"{what}: is {kind}, neither a PNG nor a JPEG file."
            : $"{what}: is neither a PNG nor a JPEG file; it starts with '{Convert.ToHexString(file.AsSpan(0, Math.Min(8, file.Length)))}'.");
    }

    private static byte[] Decode(byte[] content, (int Width, int Height) size, ColorComponents components, string what)
    {
        using var stream = new MemoryStream(content);
        var image = Damage.AsInvalidData(what, "image", () => ImageResult.FromStream(stream, components));
        if ((image.Width, image.Height) != size) throw new InvalidDataException($"{what}: claims {size.Width}×{size.Height} pixels but decodes to {image.Width}×{image.Height}.");

        // The decoder leaves some damaged data halfway and says nothing; what it did not write is whatever the memory held.
        return stream.Position == stream.Length ? image.Data : throw new InvalidDataException($"{what}: the image is damaged (its data end before all pixels are there).");
    }
}
