namespace XSepConv.Imaging;

/// <summary>Pixels that are seen through.</summary>
internal static class Alpha
{
    /// <summary>
    /// Lays pixels on a colour, in place: red, green, blue and alpha of each become red, green and blue, one after the other.
    /// </summary>
    /// <param name="pixels">[pixels, 4] before, [pixels, 3] and a rest after.</param>
    /// <param name="background">The colour; null drops alpha.</param>
    public static void Compose(Span<byte> pixels, Rgb? background)
    {
        var put = 0;
        var (red, green, blue) = background ?? default;
        for (var at = 0; at < pixels.Length; at += 4)
        {
            var alpha = background is null ? byte.MaxValue : pixels[at + 3];
            pixels[put++] = Over(pixels[at], red, alpha);
            pixels[put++] = Over(pixels[at + 1], green, alpha);
            pixels[put++] = Over(pixels[at + 2], blue, alpha);
        }
    }

    /// <summary>
    /// alpha / 255 of one and the rest of the other, to the nearest level: Pillow's <c>alpha_composite</c> gives the same.
    /// </summary>
    private static byte Over(byte front, byte back, byte alpha) => (byte)(((front * alpha) + (back * (byte.MaxValue - alpha)) + 127) / 255);
}
