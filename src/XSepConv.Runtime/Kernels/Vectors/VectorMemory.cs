using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Clears and copies vectors.</summary>
internal static unsafe class VectorMemory<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>Zeros in some columns of some rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Clear(float* first, int columns, int rows, nint row)
    {
        var zero = TLanes.Splat(0);
        for (; rows > 0; rows--)
        {
            for (var column = 0; column < columns; column++) TLanes.Store(first + ((nint)column * TLanes.Count), zero);
            first += row;
        }
    }

    /// <summary>Copies some hundred floats, for which a call of the library's costs more than the copy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* source, float* destination, int count)
    {
        var lanes = TLanes.Count;
        var i = 0;
        for (; i <= count - lanes; i += lanes) TLanes.Store(destination + i, TLanes.Load(source + i));
        KernelMemory.AssertInside(source, count);
        KernelMemory.AssertInside(destination, count);
        for (; i < count; i++) destination[i] = source[i];
    }
}
