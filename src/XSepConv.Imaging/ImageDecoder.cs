using StbImageSharp;

namespace XSepConv.Imaging;

/// <summary>
/// Decodes PNG and JPEG files to squares of one size, as a viewer shows them: turned upright, see-through parts on a colour. Trainer,
/// command line and programs that use a trained network read images by this, so that all of them see the same pixels.
/// </summary>
/// <remarks>
/// By StbImageSharp, a port of stb_image: managed code without native files, public domain, usable in programs compiled ahead of time. It
/// has no bounds of its own and knows no metadata, so a file is taken apart first, and only what is right and needed gets there.
/// </remarks>
public static class ImageDecoder
{
    /// <summary>No larger file is read.</summary>
    public const int MaxFileBytes = 64 << 20;

    /// <summary>
    /// No picture of more pixels is read. Memory holds up to 24 bytes of each while it is decoded; see <see cref="ReadSize"/> for less.
    /// </summary>
    public const int MaxPixels = 64_000_000;

    /// <summary>No picture with a longer side is read or made.</summary>
    public const int LargestSide = 16_384;

    private const int FirstRead = 1 << 16;

    /// <summary>Reads a file, cuts out the square in its middle, and scales that.</summary>
    /// <param name="path">A PNG or JPEG file, whatever its name says.</param>
    /// <param name="imageSize">Rows and columns wanted, 1 to 16,384.</param>
    /// <param name="channels">3 for red, green and blue; 1 for grey.</param>
    /// <param name="background">What see-through pixels are laid on; null drops alpha instead.</param>
    /// <returns><c>[imageSize, imageSize, channels]</c>: the order in which a <c>NetworkSession</c> takes bytes.</returns>
    /// <exception cref="InvalidDataException">It is neither, damaged, too large, or no regular file; the message names it.</exception>
    /// <exception cref="IOException">It is missing, or can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The size is below 1 or above 16,384, or the channels are neither 1 nor 3.</exception>
    public static byte[] ReadFile(string path, int imageSize, int channels, Rgb? background) =>
        Decode(ReadBytes(path), path, imageSize, channels, background);

    /// <summary>Reads a file as a network's images were prepared: size, channels, background and scaling.</summary>
    /// <param name="path">A PNG or JPEG file, whatever its name says.</param>
    /// <param name="data">What the network was trained on, such as <c>CompiledModel.Data</c>.</param>
    /// <param name="imageSize">Rows and columns, 1 to 16,384, where the network is run in another size than it was trained in.</param>
    /// <returns><c>[imageSize, imageSize, channels]</c>: the order in which a <c>NetworkSession</c> takes bytes.</returns>
    /// <exception cref="ArgumentException">
    /// The images are not square, have neither 1 nor 3 channels, or their scaling is none.
    /// </exception>
    /// <inheritdoc cref="ReadFile(string, int, int, Rgb?)" path="/exception"/>
    public static byte[] ReadFile(string path, DataSpec data, int? imageSize = null) => Decode(ReadBytes(path), path, data, imageSize);

    /// <summary>The same with a file that is in memory.</summary>
    /// <param name="file">The bytes of a PNG or JPEG file.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="data">What the network was trained on, such as <c>CompiledModel.Data</c>.</param>
    /// <param name="imageSize">Rows and columns, 1 to 16,384, where the network is run in another size than it was trained in.</param>
    /// <returns><c>[imageSize, imageSize, channels]</c>.</returns>
    /// <exception cref="ArgumentException">
    /// The images are not square, have neither 1 nor 3 channels, or their scaling is none.
    /// </exception>
    /// <inheritdoc cref="Decode(byte[], string, int, int, Rgb?)" path="/exception"/>
    public static byte[] Decode(byte[] file, string name, DataSpec data, int? imageSize = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (data.Scaling?.Problem() is { } problem) throw new ArgumentException($"Pictures can't be scaled so: {problem}.", nameof(data));
        if (imageSize is null && data.Height != data.Width)
        {
            throw new ArgumentException(
                $"The images are {data.Height}×{data.Width}; squares are what is cut out of a file: give the image size.", nameof(data));
        }

        return Decode(file, name, imageSize ?? data.Height, data.Channels, data.Background, data.Scaling);
    }

    /// <summary>The same with a file that is in memory.</summary>
    /// <param name="file">The bytes of a PNG or JPEG file.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="imageSize">Rows and columns wanted, 1 to 16,384.</param>
    /// <param name="channels">3 for red, green and blue; 1 for grey.</param>
    /// <param name="background">What see-through pixels are laid on; null drops alpha instead.</param>
    /// <returns><c>[imageSize, imageSize, channels]</c>.</returns>
    /// <exception cref="InvalidDataException">It is neither, damaged, or too large.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The size is below 1 or above 16,384, or the channels are neither 1 nor 3.</exception>
    public static byte[] Decode(byte[] file, string name, int imageSize, int channels, Rgb? background) =>
        Decode(file, name, imageSize, channels, background, scaling: null);

    internal static byte[] Decode(byte[] file, string name, int imageSize, int channels, Rgb? background, PictureScaling? scaling)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentOutOfRangeException.ThrowIfLessThan(imageSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(imageSize, LargestSide);
        if (channels is not (1 or 3))
        {
            throw new ArgumentOutOfRangeException(nameof(channels), channels, "There are 1 (grey) or 3 (colour).");
        }

        var planes = new byte[3 * imageSize * imageSize];
        DecodePlanes(file, name, background, scaling, imageSize, planes);
        return PixelOrder.Of(planes, channels);
    }

    /// <summary>
    /// Reads the size that a file says to have, from its beginning, and decodes nothing: to refuse what would take too much memory.
    /// </summary>
    /// <param name="file">The bytes of a PNG or JPEG file.</param>
    /// <param name="name">What errors call it.</param>
    /// <returns>Columns and rows in pixels, as they are stored: EXIF may swap the two.</returns>
    /// <exception cref="InvalidDataException">It is neither, damaged as far as its size, or too large.</exception>
    public static (int Width, int Height) ReadSize(byte[] file, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        return file.AsSpan().StartsWith(PngFile.Magic) ? PngFile.ReadSize(file, name)
            : file.AsSpan().StartsWith(JpegFile.Magic) ? JpegFile.ReadSize(file, name)
            : throw Neither(file, name);
    }

    /// <summary>The same to planes, [3, side, side]: red, green, blue.</summary>
    internal static void DecodePlanes(byte[] file, string name, Rgb? background, PictureScaling? scaling, int side, Span<byte> target)
    {
        var pixels = Pixels(file, name, background);
        if (scaling is not null)
        {
            Resampling.Resize(pixels, scaling, side, target);
            return;
        }

        var square = Math.Min(pixels.Width, pixels.Height);
        Resampling.Resize(pixels.Crop((pixels.Width - square) / 2, (pixels.Height - square) / 2, square, square), side, target);
    }

    /// <summary>Decodes a file in the size that it has.</summary>
    /// <returns>[height, width, 3].</returns>
    internal static (byte[] Pixels, int Width, int Height) DecodeWhole(byte[] file, string name, Rgb? background)
    {
        var pixels = Pixels(file, name, background);
        return (pixels.ToArray(), pixels.Width, pixels.Height);
    }

    /// <summary>Refuses what would take too much memory, before anything is allocated for it.</summary>
    internal static (int Width, int Height) CheckSize(uint width, uint height, string name) =>
        width is >= 1 and <= LargestSide && height is >= 1 and <= LargestSide && (long)width * height <= MaxPixels
            ? ((int)width, (int)height)
            : throw new InvalidDataException(
                $"{name}: claims {width}×{height} pixels; 1 to {LargestSide} each way and at most {MaxPixels} in all are read.");

    /// <summary>Reads no more than is decoded, also where a file does not say its length.</summary>
    private static byte[] ReadBytes(string path)
    {
        using var stream = RegularFile.OpenRead(path);
        var bytes = new MemoryStream();
        var part = new byte[FirstRead];
        for (int count; (count = stream.Read(part)) > 0;)
        {
            if (bytes.Length + count > MaxFileBytes)
            {
                throw new InvalidDataException($"{path}: has more than {MaxFileBytes} bytes; no larger file is read.");
            }

            bytes.Write(part, 0, count);
        }

        return bytes.ToArray();
    }

    private static PixelView Pixels(byte[] file, string name, Rgb? background)
    {
        if (file.AsSpan().StartsWith(PngFile.Magic))
        {
            var png = PngFile.Read(file, name);
            var data = Decode(png.Content, png.Size, png.HasAlpha ? ColorComponents.RedGreenBlueAlpha : ColorComponents.RedGreenBlue, name);
            if (png.HasAlpha) Alpha.Compose(data, background);
            return PixelView.Of(data, png.Size, png.Orientation);
        }

        if (file.AsSpan().StartsWith(JpegFile.Magic))
        {
            var jpeg = JpegFile.Read(file, name);
            var data = Decode(jpeg.Content(0x00), jpeg.Size, ColorComponents.RedGreenBlue, name);

            // Without an end marker: it is whole if the picture is the same whatever follows.
            if (!jpeg.HasEnd && !data.AsSpan().SequenceEqual(Decode(jpeg.Content(0xAA), jpeg.Size, ColorComponents.RedGreenBlue, name)))
            {
                throw JpegFile.CutOff(name);
            }

            return PixelView.Of(data, jpeg.Size, jpeg.Orientation);
        }

        throw Neither(file, name);
    }

    private static InvalidDataException Neither(byte[] file, string name) => new(ImageKind.Of(file) is { } kind
        ? $"{name}: is {kind}, neither a PNG nor a JPEG file."
        : $"{name}: is neither a PNG nor a JPEG file; it starts with '{Convert.ToHexString(file.AsSpan(0, Math.Min(8, file.Length)))}'.");

    private static byte[] Decode(byte[] content, (int Width, int Height) size, ColorComponents components, string name)
    {
        using var stream = new MemoryStream(content);
        var image = Damage.AsInvalidData(name, "image", () => ImageResult.FromStream(stream, components));
        if ((image.Width, image.Height) != size)
        {
            throw new InvalidDataException(
                $"{name}: claims {size.Width}×{size.Height} pixels but decodes to {image.Width}×{image.Height}.");
        }

        // The decoder leaves some damaged data halfway and says nothing; what it did not write is whatever the memory held.
        return stream.Position == stream.Length
            ? image.Data
            : throw new InvalidDataException($"{name}: the image is damaged (its data end before all pixels are there).");
    }
}
