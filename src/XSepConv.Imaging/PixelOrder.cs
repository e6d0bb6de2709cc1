namespace XSepConv.Imaging;

/// <summary>From planes to the order in which a session takes bytes.</summary>
internal static class PixelOrder
{
    /// <summary>Rows, columns, channels.</summary>
    /// <param name="planes">[3, side, side]: red, green, blue.</param>
    /// <param name="channels">3 for the same, 1 for grey.</param>
    public static byte[] Of(byte[] planes, int channels) => channels == 1 ? Grey(planes) : Interleaved(planes);

    private static byte[] Interleaved(byte[] planes)
    {
        var plane = planes.Length / 3;
        var pixels = new byte[planes.Length];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = planes[(i % 3 * plane) + (i / 3)];
        return pixels;
    }

    /// <summary>ITU-R 601's luma, as Pillow computes its mode L: grey files come out as they went in.</summary>
    private static byte[] Grey(byte[] planes)
    {
        const int Red = 19_595, Green = 38_470, Blue = 7_471, Half = 1 << 15;
        var pixels = new byte[planes.Length / 3];
        for (var i = 0; i < pixels.Length; i++)
        {
            var (red, green, blue) = (planes[i], planes[pixels.Length + i], planes[(2 * pixels.Length) + i]);
            pixels[i] = (byte)(((Red * red) + (Green * green) + (Blue * blue) + Half) >> 16);
        }

        return pixels;
    }
}
