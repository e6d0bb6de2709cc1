using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Sums of vectors, lane by lane.</summary>
internal static unsafe class VectorSums<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>Adds so many vectors to one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddTo(float* sum, float* values, int count)
    {
        var lanes = TLanes.Count;
        var s0 = TLanes.Splat(0);
        var s1 = s0;
        var s2 = s0;
        var s3 = s0;
        var end = values + ((nint)count * lanes);
        for (; values + (3 * lanes) < end; values += 4 * lanes)
        {
            s0 = TLanes.Add(s0, TLanes.Load(values));
            s1 = TLanes.Add(s1, TLanes.Load(values + lanes));
            s2 = TLanes.Add(s2, TLanes.Load(values + (2 * lanes)));
            s3 = TLanes.Add(s3, TLanes.Load(values + (3 * lanes)));
        }

        for (; values < end; values += lanes) s0 = TLanes.Add(s0, TLanes.Load(values));
        TLanes.Store(sum, TLanes.Add(TLanes.Load(sum), TLanes.Add(TLanes.Add(s0, s1), TLanes.Add(s2, s3))));
    }

    /// <summary>Multiplies one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* vector, float factor) =>
        TLanes.Store(vector, TLanes.Multiply(TLanes.Load(vector), TLanes.Splat(factor)));
}
