using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace XSepConv.Kernels;

/// <summary>Four lanes of a vector of float32 in float64, or one where it has no more; what stands beside them is not used.</summary>
internal static unsafe class DoubleLanes<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public static int Count => Math.Min(4, TLanes.Count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Load(float* values)
    {
        KernelMemory.AssertInside(values, Count);
        return TLanes.Count == 1
            ? Vector256.CreateScalar((double)*values) : Vector256.WidenLower(Vector128.Load(values).ToVector256Unsafe());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<double> values, double* destination)
    {
        if (TLanes.Count == 1) *destination = values.ToScalar();
        else values.Store(destination);
    }

    /// <summary>Rounded to float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSingle(Vector256<double> values, float* destination)
    {
        KernelMemory.AssertInside(destination, Count);
        if (TLanes.Count == 1) *destination = (float)values.ToScalar();
        else Vector128.Narrow(values.GetLower(), values.GetUpper()).Store(destination);
    }
}
