namespace XSepConv.Kernels;

/// <summary>
/// The taps of a two-dimensional convolution: tap (r, k) of the result at (row, column) reads (row·s + r − top, column·s + k − left).
/// </summary>
internal readonly record struct TapWindow(int Rows, int Columns, int Top, int Left)
{
    /// <summary>A K×K kernel with padding K/2.</summary>
    public static TapWindow Square(int kernel) => new(kernel, kernel, kernel / 2, kernel / 2);

    /// <summary>
    /// Of a K×K convolution's transpose, the taps that reach rows and columns of one parity (rows row, row + s, …); all, flipped, at stride
    /// 1.
    /// </summary>
    public static TapWindow Transposed(int kernel, int stride, int row, int column)
    {
        // Position s·m + p was read by tap k of the result at m + (p + K/2 − k)/s, where that is whole.
        LinePhase r = new(kernel, stride, 0, row), c = new(kernel, stride, 0, column);
        return new(r.Taps, c.Taps, r.Taps - 1 + r.Offset, c.Taps - 1 + c.Offset);
    }

    /// <summary>The forward's tap for tap t of the transpose along one axis.</summary>
    public static int Source(int kernel, int stride, int parity, int tap)
    {
        var phase = new LinePhase(kernel, stride, 0, parity);
        return phase.FirstTap + (stride * (phase.Taps - 1 - tap));
    }
}
