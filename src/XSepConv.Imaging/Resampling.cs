namespace XSepConv.Imaging;

/// <summary>
/// Scales pictures as Pillow does, first across, then down, by a filter that is as wide as the step between new pixels where that is more
/// than one between old ones, so that nothing aliases.
/// </summary>
internal static class Resampling
{
    /// <summary>Scales a square by a triangle.</summary>
    /// <param name="pixels">As many rows as columns.</param>
    /// <param name="target">[3, side, side].</param>
    public static void Resize(PixelView pixels, int side, Span<byte> target)
    {
        var axis = Axis.Of(pixels.Width, side, 0, side, Interpolation.Bilinear);
        Resize(pixels, axis, axis, side, roundsBetween: false, target);
    }

    /// <summary>Scales a picture so that its shorter side has a length, and takes the square in the middle.</summary>
    /// <param name="target">[3, side, side].</param>
    public static void Resize(PixelView pixels, PictureScaling scaling, int side, Span<byte> target)
    {
        var (shorter, wanted) = (Math.Min(pixels.Width, pixels.Height), scaling.ShorterSide(side));

        // torchvision's roundings: a longer side down, a middle to the even number.
        long Resized(int length) => length == shorter ? wanted : (long)wanted * length / shorter;
        long First(long length) => (long)Math.Round((length - side) / 2.0);
        var (width, height) = (Resized(pixels.Width), Resized(pixels.Height));
        var across = Axis.Of(pixels.Width, width, First(width), side, scaling.Interpolation);
        var down = Axis.Of(pixels.Height, height, First(height), side, scaling.Interpolation);
        Resize(pixels, across, down, side, roundsBetween: true, target);
    }

    private static void Resize(PixelView pixels, in Axis across, in Axis down, int side, bool roundsBetween, Span<byte> target)
    {
        // The rows that count.
        var firstRow = down.Starts[0];
        var rows = Math.Min(pixels.Height, down.Starts[^1] + down.Taps) - firstRow;
        var lines = new float[rows * side * 3];
        for (var y = 0; y < rows; y++)
        {
            var row = pixels.Origin + ((firstRow + y) * pixels.Down);
            for (var x = 0; x < side; x++)
            {
                float red = 0, green = 0, blue = 0;
                for (var tap = 0; tap < across.Taps; tap++)
                {
                    var weight = across.Weights[(x * across.Taps) + tap];
                    if (weight == 0) continue;
                    var pixel = pixels.Bytes.AsSpan(row + ((across.Starts[x] + tap) * pixels.Right), 3);
                    red += weight * pixel[0];
                    green += weight * pixel[1];
                    blue += weight * pixel[2];
                }

                var put = ((y * side) + x) * 3;
                (lines[put], lines[put + 1], lines[put + 2]) =
                    roundsBetween ? (Rounded(red), Rounded(green), Rounded(blue)) : (red, green, blue);
            }
        }

        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
            {
                for (var channel = 0; channel < 3; channel++)
                {
                    float sum = 0.5f;
                    for (var tap = 0; tap < down.Taps; tap++)
                    {
                        var weight = down.Weights[(y * down.Taps) + tap];
                        if (weight != 0) sum += weight * lines[((((down.Starts[y] - firstRow + tap) * side) + x) * 3) + channel];
                    }

                    target[(((channel * side) + y) * side) + x] = (byte)Math.Clamp(sum, 0, 255);
                }
            }
        }
    }

    private static byte Rounded(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);

    /// <summary>What each new pixel of a row or column is made of.</summary>
    /// <param name="Starts">The first old pixel that counts.</param>
    /// <param name="Weights">Of that and the following, <paramref name="Taps"/> for each new pixel; they sum to 1.</param>
    private readonly record struct Axis(int[] Starts, float[] Weights, int Taps)
    {
        /// <param name="length">Old pixels.</param>
        /// <param name="resized">New pixels of all of them.</param>
        /// <param name="first">The first new pixel that is wanted.</param>
        /// <param name="count">How many are.</param>
        public static Axis Of(int length, long resized, long first, int count, Interpolation interpolation)
        {
            var scale = (double)length / resized;
            var widened = Math.Max(1, scale);
            var reach = widened * (interpolation == Interpolation.Bicubic ? 2 : 1);
            var taps = (2 * (int)Math.Ceiling(reach)) + 1;
            var starts = new int[count];
            var weights = new float[count * taps];
            var row = new double[taps];
            for (var i = 0; i < count; i++)
            {
                // The middle of the new pixel, in old ones; old pixel j has its own middle at j + 1/2.
                var center = (first + i + 0.5) * scale;
                starts[i] = Math.Max(0, (int)(center - reach + 0.5));
                var end = Math.Min(length, (int)(center + reach + 0.5));
                double sum = 0;
                for (var tap = 0; tap < taps; tap++)
                {
                    row[tap] = starts[i] + tap < end ? Weight((starts[i] + tap + 0.5 - center) / widened, interpolation) : 0;
                    sum += row[tap];
                }

                for (var tap = 0; tap < taps; tap++) weights[(i * taps) + tap] = (float)(row[tap] / sum);
            }

            return new(starts, weights, taps);
        }

        private static double Weight(double distance, Interpolation interpolation)
        {
            const double A = -0.5;
            var x = Math.Abs(distance);
            return interpolation == Interpolation.Bilinear ? Math.Max(0, 1 - x)
                : x < 1 ? ((((A + 2) * x) - (A + 3)) * x * x) + 1
                : x < 2 ? A * ((((x - 5) * x + 8) * x) - 4)
                : 0;
        }
    }
}
