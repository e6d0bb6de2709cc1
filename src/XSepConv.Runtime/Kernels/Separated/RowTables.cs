using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Rows of a plane in the order in which a padded convolution meets them, a row of zeros standing in for every one outside.</summary>
internal static unsafe class RowTables
{
    /// <summary><paramref name="height"/> rows, one of zeros above or below them: what a 2×2 with one-sided padding reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OneSided(float** table, float* plane, nint rowFloats, int height, bool top, float* zeros)
    {
        var shift = top ? 1 : 0;
        for (var row = 0; row < height; row++) table[row + shift] = plane + (row * rowFloats);
        table[top ? 0 : height] = zeros;
    }

    /// <summary>
    /// The rows −border … extent − 1 + border, where row r·stride is the plane's row r and all others are zeros.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Spread(float** table, float* plane, nint rowFloats, int height, int stride, int extent, int border, float* zeros)
    {
        for (var row = -border; row < extent + border; row++)
        {
            var inside = row >= 0 && row % stride == 0 && row / stride < height;
            table[row + border] = inside ? plane + (row / stride * rowFloats) : zeros;
        }
    }

    /// <summary>Every row, as it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Plain(float** table, float* plane, nint rowFloats, int height)
    {
        for (var row = 0; row < height; row++) table[row] = plane + (row * rowFloats);
    }
}
