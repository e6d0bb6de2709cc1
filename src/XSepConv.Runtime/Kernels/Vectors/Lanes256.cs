using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace XSepConv.Kernels;

/// <summary>8 lanes: AVX2.</summary>
internal readonly unsafe partial struct Lanes256
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAddLower(Vector256<float> left, Vector256<float> right, Vector256<float> addend) =>
        MultiplyAdd(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadInt8(sbyte* source)
    {
        KernelMemory.AssertInside((float*)source, Count / sizeof(float));
        return Avx2.IsSupported
            ? Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source))
            : Vector256.Create(Lanes128.LoadInt8(source), Lanes128.LoadInt8(source + Lanes128.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeInRegisters(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        // Pairs of rows, then of pairs, inside each 128-bit half; then the halves change places.
        var r0 = Vector256.Load(source);
        var r1 = Vector256.Load(source + sourceStride);
        var r2 = Vector256.Load(source + (2 * sourceStride));
        var r3 = Vector256.Load(source + (3 * sourceStride));
        var r4 = Vector256.Load(source + (4 * sourceStride));
        var r5 = Vector256.Load(source + (5 * sourceStride));
        var r6 = Vector256.Load(source + (6 * sourceStride));
        var r7 = Vector256.Load(source + (7 * sourceStride));

        var p0 = Avx.UnpackLow(r0, r1).AsDouble();
        var p1 = Avx.UnpackHigh(r0, r1).AsDouble();
        var p2 = Avx.UnpackLow(r2, r3).AsDouble();
        var p3 = Avx.UnpackHigh(r2, r3).AsDouble();
        var p4 = Avx.UnpackLow(r4, r5).AsDouble();
        var p5 = Avx.UnpackHigh(r4, r5).AsDouble();
        var p6 = Avx.UnpackLow(r6, r7).AsDouble();
        var p7 = Avx.UnpackHigh(r6, r7).AsDouble();

        r0 = Avx.UnpackLow(p0, p2).AsSingle();
        r1 = Avx.UnpackHigh(p0, p2).AsSingle();
        r2 = Avx.UnpackLow(p1, p3).AsSingle();
        r3 = Avx.UnpackHigh(p1, p3).AsSingle();
        r4 = Avx.UnpackLow(p4, p6).AsSingle();
        r5 = Avx.UnpackHigh(p4, p6).AsSingle();
        r6 = Avx.UnpackLow(p5, p7).AsSingle();
        r7 = Avx.UnpackHigh(p5, p7).AsSingle();

        Avx.Permute2x128(r0, r4, 0x20).Store(destination);
        Avx.Permute2x128(r1, r5, 0x20).Store(destination + destinationStride);
        Avx.Permute2x128(r2, r6, 0x20).Store(destination + (2 * destinationStride));
        Avx.Permute2x128(r3, r7, 0x20).Store(destination + (3 * destinationStride));
        Avx.Permute2x128(r0, r4, 0x31).Store(destination + (4 * destinationStride));
        Avx.Permute2x128(r1, r5, 0x31).Store(destination + (5 * destinationStride));
        Avx.Permute2x128(r2, r6, 0x31).Store(destination + (6 * destinationStride));
        Avx.Permute2x128(r3, r7, 0x31).Store(destination + (7 * destinationStride));
    }
}
