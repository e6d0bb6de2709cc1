using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace XSepConv.Kernels;

/// <summary>4 lanes: SSE, NEON.</summary>
internal readonly unsafe partial struct Lanes128
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAddLower(Vector128<float> left, Vector128<float> right, Vector128<float> addend) =>
        MultiplyAdd(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadInt8(sbyte* source)
    {
        KernelMemory.AssertInside((float*)source, Count / sizeof(float));
        return Vector128.ConvertToSingle(
            Sse41.IsSupported
                ? Sse41.ConvertToVector128Int32(source)
                : Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(int*)source).AsSByte())));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeInRegisters(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        var r0 = Vector128.Load(source);
        var r1 = Vector128.Load(source + sourceStride);
        var r2 = Vector128.Load(source + (2 * sourceStride));
        var r3 = Vector128.Load(source + (3 * sourceStride));

        var p0 = Sse.UnpackLow(r0, r1).AsDouble();
        var p1 = Sse.UnpackHigh(r0, r1).AsDouble();
        var p2 = Sse.UnpackLow(r2, r3).AsDouble();
        var p3 = Sse.UnpackHigh(r2, r3).AsDouble();

        Sse2.UnpackLow(p0, p2).AsSingle().Store(destination);
        Sse2.UnpackHigh(p0, p2).AsSingle().Store(destination + destinationStride);
        Sse2.UnpackLow(p1, p3).AsSingle().Store(destination + (2 * destinationStride));
        Sse2.UnpackHigh(p1, p3).AsSingle().Store(destination + (3 * destinationStride));
    }
}
