using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// Rows of a plane in the order in which a padded convolution meets them, a row of zeros standing in for every one outside.
/// </summary>
internal static unsafe class IndirectionBuffer
{
    /// <summary><paramref name="height"/> rows, one of zeros above or below them: what a 2×2 with one-sided padding reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PadOneSide(float** table, float* plane, nint rowFloats, int height, bool top, float* zeros)
    {
        KernelMemory.AssertInside(table, (height + 1) * (sizeof(float*) / sizeof(float)));
        var shift = top ? 1 : 0;
        for (var row = 0; row < height; row++) table[row + shift] = plane + (row * rowFloats);
        table[top ? 0 : height] = zeros;
    }

    /// <summary>Every row, as it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dense(float** table, float* plane, nint rowFloats, int height)
    {
        KernelMemory.AssertInside(table, height * (sizeof(float*) / sizeof(float)));
        for (var row = 0; row < height; row++) table[row] = plane + (row * rowFloats);
    }
}
