namespace XSepConv.Imaging;

/// <summary>
/// Scales images by a triangle that is as wide as the step between new pixels, or as one old pixel where that is more: bilinear
/// interpolation that does not alias when it makes an image smaller (what Pillow calls BILINEAR).
/// </summary>
internal static class TriangleFilter
{
    /// <summary>Scales a square.</summary>
    /// <param name="pixels">As many rows as columns.</param>
    /// <param name="target">[3, side, side].</param>
    public static void Resize(PixelView pixels, int side, Span<byte> target)
    {
        var square = pixels.Width;
        var (starts, weights, taps) = Weights(square, side);
        var lines = new float[square * side * 3];
        for (var y = 0; y < square; y++)
        {
            var row = pixels.Origin + (y * pixels.Down);
            for (var x = 0; x < side; x++)
            {
                float red = 0, green = 0, blue = 0;
                for (var tap = 0; tap < taps; tap++)
                {
                    var weight = weights[(x * taps) + tap];
                    if (weight == 0) continue;
                    var pixel = pixels.Bytes.AsSpan(row + ((starts[x] + tap) * pixels.Right), 3);
                    red += weight * pixel[0];
                    green += weight * pixel[1];
                    blue += weight * pixel[2];
                }

                var put = ((y * side) + x) * 3;
                (lines[put], lines[put + 1], lines[put + 2]) = (red, green, blue);
            }
        }

        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
            {
                for (var channel = 0; channel < 3; channel++)
                {
                    float sum = 0.5f;
                    for (var tap = 0; tap < taps; tap++)
                    {
                        var weight = weights[(y * taps) + tap];
                        if (weight != 0) sum += weight * lines[((((starts[y] + tap) * side) + x) * 3) + channel];
                    }

                    target[(((channel * side) + y) * side) + x] = (byte)Math.Clamp(sum, 0, 255);
                }
            }
        }
    }

    /// <summary>For each new pixel the first old one that counts, and the weights of that and the following, which sum to 1.</summary>
    private static (int[] Starts, float[] Weights, int Taps) Weights(int square, int side)
    {
        var scale = (double)square / side;
        var reach = Math.Max(1, scale);
        var taps = (2 * (int)Math.Ceiling(reach)) + 1;
        var starts = new int[side];
        var weights = new float[side * taps];
        var row = new double[taps];
        for (var i = 0; i < side; i++)
        {
            // The middle of the new pixel, in old ones; old pixel j has its own middle at j + 1/2.
            var center = (i + 0.5) * scale;
            starts[i] = Math.Max(0, (int)(center - reach + 0.5));
            var end = Math.Min(square, (int)(center + reach + 0.5));
            double sum = 0;
            for (var tap = 0; tap < taps; tap++)
            {
                row[tap] = starts[i] + tap < end ? Math.Max(0, 1 - Math.Abs((starts[i] + tap + 0.5 - center) / reach)) : 0;
                sum += row[tap];
            }

            for (var tap = 0; tap < taps; tap++) weights[(i * taps) + tap] = (float)(row[tap] / sum);
        }

        return (starts, weights, taps);
    }
}
