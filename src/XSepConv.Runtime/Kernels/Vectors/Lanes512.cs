using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace XSepConv.Kernels;

/// <summary>16 lanes: AVX-512.</summary>
internal readonly unsafe partial struct Lanes512
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAddLower(Vector512<float> left, Vector512<float> right, Vector512<float> addend) =>
        Vector256.MultiplyAddEstimate(left.GetLower(), right.GetLower(), addend.GetLower()).ToVector512Unsafe();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadInt8(sbyte* source)
    {
        KernelMemory.AssertInside((float*)source, Count / sizeof(float));
        return Avx512F.IsSupported
            ? Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(source)))
            : Vector512.Create(Lanes256.LoadInt8(source), Lanes256.LoadInt8(source + Lanes256.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeInRegisters(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        // Four columns at a time: quarters of rows 4 apart meet in a vector as they are loaded, which leaves only shuffles in quarters.
        for (var column = 0; column < Count; column += 4)
        {
            var r0 = Quarters(source, 4 * sourceStride);
            var r1 = Quarters(source + sourceStride, 4 * sourceStride);
            var r2 = Quarters(source + (2 * sourceStride), 4 * sourceStride);
            var r3 = Quarters(source + (3 * sourceStride), 4 * sourceStride);
            var p0 = Avx512F.UnpackLow(r0, r1).AsDouble();
            var p1 = Avx512F.UnpackHigh(r0, r1).AsDouble();
            var p2 = Avx512F.UnpackLow(r2, r3).AsDouble();
            var p3 = Avx512F.UnpackHigh(r2, r3).AsDouble();
            Avx512F.UnpackLow(p0, p2).AsSingle().Store(destination);
            Avx512F.UnpackHigh(p0, p2).AsSingle().Store(destination + destinationStride);
            Avx512F.UnpackLow(p1, p3).AsSingle().Store(destination + (2 * destinationStride));
            Avx512F.UnpackHigh(p1, p3).AsSingle().Store(destination + (3 * destinationStride));
            source += 4;
            destination += 4 * destinationStride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Quarters(float* source, nint stride)
    {
        var quarters = Vector128.Load(source).ToVector256Unsafe().ToVector512Unsafe();
        quarters = Avx512F.InsertVector128(quarters, Vector128.Load(source + stride), 1);
        quarters = Avx512F.InsertVector128(quarters, Vector128.Load(source + (2 * stride)), 2);
        return Avx512F.InsertVector128(quarters, Vector128.Load(source + (3 * stride)), 3);
    }
}
