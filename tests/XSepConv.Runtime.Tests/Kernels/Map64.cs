namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>A float64 tensor [N, C, H, W].</summary>
internal sealed class Map64(int batch, int channels, int height, int width)
{
    public int Batch => batch;

    public int Channels => channels;

    public int Height => height;

    public int Width => width;

    public double[] Values { get; } = new double[batch * channels * height * width];

    /// <summary>What lies outside is zero.</summary>
    public double At(int n, int c, int row, int column) =>
        row < 0 || row >= height || column < 0 || column >= width ? 0 : Values[Index(n, c, row, column)];

    public int Index(int n, int c, int row, int column) => (((((n * channels) + c) * height) + row) * width) + column;

    public static Map64 From(ReadOnlySpan<float> values, int batch, int channels, int height, int width)
    {
        var map = new Map64(batch, channels, height, width);
        for (var i = 0; i < values.Length; i++) map.Values[i] = values[i];
        return map;
    }
}

/// <summary>
/// A gradient summed over many terms, and the root of the terms' squares: what rounding noise is measured against where they cancel.
/// </summary>
internal sealed class Sum64(int count)
{
    private readonly double[] _squares = new double[count];

    public double[] Values { get; } = new double[count];

    public double Noise => Math.Sqrt(_squares.Max());

    public void Add(int index, double term)
    {
        Values[index] += term;
        _squares[index] += term * term;
    }
}
