namespace XSepConv.Training;

/// <summary>What moves the pixels of an image; between pixels is interpolated, black comes in.</summary>
internal static class GeometricOperations
{
    /// <summary>Turns around the middle, counter-clockwise.</summary>
    public static void Rotate(PixelImage image, double degrees)
    {
        var (sine, cosine) = Math.SinCos(degrees * Math.PI / 180);
        AroundMiddle(image, cosine, -sine, sine, cosine);
    }

    /// <summary>
    /// Moves every row by <paramref name="factor"/> times its distance from the middle row, to the left above it where positive.
    /// </summary>
    public static void ShearRows(PixelImage image, double factor) => AroundMiddle(image, 1, factor, 0, 1);

    /// <summary>The same with columns.</summary>
    public static void ShearColumns(PixelImage image, double factor) => AroundMiddle(image, 1, 0, factor, 1);

    /// <summary>Moves all to the left and up by so many pixels.</summary>
    public static void Translate(PixelImage image, double x, double y) => Transform(image, 1, 0, x, 0, 1, y);

    private static void AroundMiddle(PixelImage image, double xx, double xy, double yx, double yy)
    {
        double middleX = image.Width / 2.0, middleY = image.Height / 2.0;
        Transform(image, xx, xy, middleX - (xx * middleX) - (xy * middleY), yx, yy, middleY - (yx * middleX) - (yy * middleY));
    }

    /// <summary>The pixel whose middle is (x, y) comes from (xx·x + xy·y + x0, yx·x + yy·y + y0).</summary>
    private static void Transform(PixelImage image, double xx, double xy, double x0, double yx, double yy, double y0)
    {
        image.Pixels.CopyTo(image.Scratch);
        var (width, height) = (image.Width, image.Height);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var fromX = (xx * (x + 0.5)) + (xy * (y + 0.5)) + x0;
                var fromY = (yx * (x + 0.5)) + (yy * (y + 0.5)) + y0;
                var at = (y * width) + x;
                if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height)
                {
                    for (var channel = 0; channel < image.Channels; channel++) image.Pixels[(channel * image.Plane) + at] = 0;
                    continue;
                }

                // Between the middles of four pixels, or at the border of fewer.
                fromX -= 0.5;
                fromY -= 0.5;
                int left = (int)Math.Floor(fromX), top = (int)Math.Floor(fromY);
                double right = fromX - left, down = fromY - top;
                int right1 = Math.Min(left + 1, width - 1), down1 = Math.Min(top + 1, height - 1);
                (left, top) = (Math.Max(left, 0), Math.Max(top, 0));
                for (var channel = 0; channel < image.Channels; channel++)
                {
                    var source = image.Scratch.Slice(channel * image.Plane, image.Plane);
                    double a = source[(top * width) + left], b = source[(top * width) + right1];
                    double c = source[(down1 * width) + left], d = source[(down1 * width) + right1];
                    var upper = a + (right * (b - a));
                    var lower = c + (right * (d - c));
                    image.Pixels[(channel * image.Plane) + at] = (byte)(upper + (down * (lower - upper)) + 0.5);
                }
            }
        }
    }
}
