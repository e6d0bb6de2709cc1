using static XSepConv.Training.ShapesDataset;

namespace XSepConv.Training;

/// <summary>
/// Paints one image of the shapes set: a shape of random place, size, angle, thickness and colour before a shaded background, with specks
/// and noise.
/// </summary>
/// <remarks>
/// Only additions, products, quotients and square roots of doubles, each rounded alike by every IEEE machine, and no sine or cosine: the
/// same bytes everywhere.
/// </remarks>
internal static class ShapePainter
{
    private const int Plane = Side * Side;
    private const double HalfRoot = 0.70710678118654752;
    private const double TriangleSide = 0.86602540378443865;

    /// <summary>Paints.</summary>
    /// <param name="label">The class, an index into <see cref="ClassNames"/>.</param>
    /// <param name="pixels">[3, 32, 32].</param>
    public static void Paint(int label, CounterRandom random, Span<byte> pixels)
    {
        Span<double> canvas = stackalloc double[Channels * Plane];
        Span<double> near = stackalloc double[Channels], far = stackalloc double[Channels], color = stackalloc double[Channels];
        PickColors(ref random, near, far, color);
        PaintBackground(ref random, canvas, near, far);
        PaintShape(label, ref random, canvas, color);
        PaintSpecks(ref random, canvas);

        var noise = random.NextDouble(4, 20);
        for (var i = 0; i < canvas.Length; i++)
        {
            // The sum of two uniform draws: a triangular distribution.
            var value = canvas[i] + (noise * (random.NextDouble() + random.NextDouble() - 1)) + 0.5;
            pixels[i] = (byte)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }

    /// <summary>Two dark colours of the background, and a bright one for the shape.</summary>
    private static void PickColors(ref CounterRandom random, Span<double> near, Span<double> far, Span<double> color)
    {
        const double Bright = 450;
        for (var c = 0; c < Channels; c++)
        {
            near[c] = random.NextDouble(0, 110);
            far[c] = random.NextDouble(0, 110);
        }

        do
        {
            for (var c = 0; c < Channels; c++) color[c] = random.NextDouble(0, 256);
        }
        while (color[0] + color[1] + color[2] < Bright);
    }

    private static void PaintBackground(ref CounterRandom random, Span<double> canvas, ReadOnlySpan<double> near, ReadOnlySpan<double> far)
    {
        double alongX = random.NextDouble(), alongY = 1 - alongX;
        var fromLeft = random.Next(2) == 0;
        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                var t = ((alongX * (fromLeft ? x : Side - 1 - x)) + (alongY * y)) / (Side - 1);
                for (var c = 0; c < Channels; c++) canvas[(c * Plane) + (y * Side) + x] = near[c] + (t * (far[c] - near[c]));
            }
        }
    }

    private static void PaintShape(int label, ref CounterRandom random, Span<double> canvas, ReadOnlySpan<double> color)
    {
        var radius = random.NextDouble(8, 12.5);
        var thickness = random.NextDouble(1, 2);
        var centerX = random.NextDouble(radius + 1, Side - 2 - radius);
        var centerY = random.NextDouble(radius + 1, Side - 2 - radius);

        // A point of the unit circle without sine or cosine: ((1 − t²)/(1 + t²), 2t/(1 + t²)) is the angle 2·atan t, here up to 16° either
        // way.
        var t = random.NextDouble(-0.14, 0.14);
        var cosine = (1 - (t * t)) / (1 + (t * t));
        var sine = 2 * t / (1 + (t * t));
        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                double dx = x - centerX, dy = y - centerY;
                var distance = SignedDistance(label, (cosine * dx) + (sine * dy), (cosine * dy) - (sine * dx), radius, thickness);
                Blend(canvas, (y * Side) + x, 0.5 - distance, color);
            }
        }
    }

    private static void PaintSpecks(ref CounterRandom random, Span<double> canvas)
    {
        Span<double> color = stackalloc double[Channels];
        for (var specks = random.Next(0, 3); specks > 0; specks--)
        {
            for (var c = 0; c < Channels; c++) color[c] = random.NextDouble(0, 256);
            double centerX = random.NextDouble(0, Side), centerY = random.NextDouble(0, Side), radius = random.NextDouble(0.8, 2.2);
            for (var y = 0; y < Side; y++)
            {
                for (var x = 0; x < Side; x++)
                {
                    double dx = x - centerX, dy = y - centerY;
                    Blend(canvas, (y * Side) + x, radius + 0.5 - Math.Sqrt((dx * dx) + (dy * dy)), color);
                }
            }
        }
    }

    private static void Blend(Span<double> canvas, int at, double coverage, ReadOnlySpan<double> color)
    {
        if (coverage <= 0) return;
        coverage = Math.Min(coverage, 1);
        for (var c = 0; c < Channels; c++)
        {
            ref var value = ref canvas[(c * Plane) + at];
            value += coverage * (color[c] - value);
        }
    }

    /// <summary>How far a point is outside the shape, in pixels (inside: below 0); (u, v) from the shape's centre, v downwards.</summary>
    private static double SignedDistance(int label, double u, double v, double radius, double thickness)
    {
        var horizontal = Box(u, v, radius, thickness);
        var vertical = Box(v, u, radius, thickness);
        double rise = HalfRoot * (u - v), fall = HalfRoot * (u + v);
        var rising = Box(rise, fall, radius, thickness);
        var falling = Box(fall, rise, radius, thickness);
        return label switch
        {
            0 => horizontal,
            1 => vertical,
            2 => rising,
            3 => falling,
            4 => Math.Min(horizontal, vertical),
            5 => Math.Min(rising, falling),
            6 => Math.Abs(Math.Sqrt((u * u) + (v * v)) - (0.85 * radius)) - thickness,
            7 => Math.Abs(Box(u, v, 0.8 * radius, 0.8 * radius)) - thickness,
            8 => Math.Abs(Math.Max(v, (TriangleSide * Math.Abs(u)) - (0.5 * v)) - (0.5 * radius)) - thickness,
            _ => Checkerboard(u, v, radius),
        };
    }

    private static double Box(double along, double across, double length, double width) =>
        Math.Max(Math.Abs(along) - length, Math.Abs(across) - width);

    private static double Checkerboard(double u, double v, double radius)
    {
        var half = 0.85 * radius;
        var cell = half / 2;
        var dark = (((int)Math.Floor(u / cell) + (int)Math.Floor(v / cell)) & 1) == 0;
        return dark ? Box(u, v, half, half) : 1;
    }
}
