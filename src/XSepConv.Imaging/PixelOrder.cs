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
    public static byte Luma(byte red, byte green, byte blue) =>
        (byte)(((19_595 * red) + (38_470 * green) + (7_471 * blue) + (1 << 15)) >> 16);

    private static byte[] Grey(byte[] planes)
    {
        var pixels = new byte[planes.Length / 3];
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = Luma(planes[i], planes[pixels.Length + i], planes[(2 * pixels.Length) + i]);
        }

        return pixels;
    }
}
