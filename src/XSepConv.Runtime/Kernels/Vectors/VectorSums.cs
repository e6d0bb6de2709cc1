using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Sums of one group of planes.</summary>
internal static unsafe class VectorSums<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>Each lane's sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(float* values, int count, float* sum)
    {
        var lanes = TLanes.Count;
        TVector s0 = TLanes.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        var i = 0;
        for (; i <= count - 4; i += 4)
        {
            s0 = TLanes.Add(s0, TLanes.Load(values));
            s1 = TLanes.Add(s1, TLanes.Load(values + lanes));
            s2 = TLanes.Add(s2, TLanes.Load(values + (2 * lanes)));
            s3 = TLanes.Add(s3, TLanes.Load(values + (3 * lanes)));
            values += 4 * lanes;
        }

        for (; i < count; i++)
        {
            s0 = TLanes.Add(s0, TLanes.Load(values));
            values += lanes;
        }

        TLanes.Store(sum, TLanes.Add(TLanes.Add(s0, s1), TLanes.Add(s2, s3)));
    }
}
