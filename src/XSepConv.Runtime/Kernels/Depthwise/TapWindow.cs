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
        var (rows, top) = Axis(kernel, stride, row);
        var (columns, left) = Axis(kernel, stride, column);
        return new(rows, columns, top, left);
    }

    /// <summary>The forward's tap for tap t of the transpose along one axis.</summary>
    public static int Source(int kernel, int stride, int parity, int tap)
    {
        var first = (parity + (kernel / 2)) % stride;
        return first + (stride * (Taps(kernel, stride, first) - 1 - tap));
    }

    // Position s·m + p was read by tap k of the result at m + (p + K/2 − k)/s, where that is whole.
    private static (int Taps, int Before) Axis(int kernel, int stride, int parity)
    {
        var first = (parity + (kernel / 2)) % stride;
        var taps = Taps(kernel, stride, first);
        return (taps, taps - 1 - ((parity + (kernel / 2) - first) / stride));
    }

    private static int Taps(int kernel, int stride, int first) => (kernel - first + stride - 1) / stride;
}
