using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace XSepConv.Kernels;

/// <summary>8 lanes: AVX2.</summary>
internal readonly unsafe struct Lanes256 : ILanes<Vector256<float>>
{
    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Splat(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float* source)
    {
        KernelMemory.AssertInside(source, 1);
        return Vector256.Create(*source);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source)
    {
        KernelMemory.AssertInside(source, Count);
        return Vector256.Load(source);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector256<float> value)
    {
        KernelMemory.AssertInside(destination, Count);
        value.Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> left, Vector256<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> left, Vector256<float> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> left, Vector256<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Divide(Vector256<float> left, Vector256<float> right) => left / right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Sqrt(Vector256<float> value) => Vector256.Sqrt(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> And(Vector256<float> left, Vector256<float> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> left, Vector256<float> right, Vector256<float> addend) =>
        Vector256.MultiplyAddEstimate(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAddLower(Vector256<float> left, Vector256<float> right, Vector256<float> addend) =>
        MultiplyAdd(left, right, addend);

    // x86 returns the second operand where one is NaN; Arm returns NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> bound, Vector256<float> value) => Vector256.MaxNative(bound, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Min(Vector256<float> bound, Vector256<float> value) => Vector256.MinNative(bound, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Between0And1(Vector256<float> value) =>
        Vector256.Min(Vector256.Create(1f).AsInt32(), Vector256.Max(Vector256<int>.Zero, value.AsInt32())).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WherePositive(Vector256<float> test, Vector256<float> value) =>
        Vector256.ConditionalSelect(Vector256.GreaterThan(test, Vector256<float>.Zero), value, Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WhereWithin(Vector256<float> bound, Vector256<float> test, Vector256<float> value) =>
        Vector256.ConditionalSelect(Vector256.LessThan(Vector256.Abs(test), bound), value, Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> KeepFirst(Vector256<float> value, int lanes) =>
        Vector256.ConditionalSelect(Vector256.LessThan(Vector256<float>.Indices, Vector256.Create((float)lanes)), value,
            Vector256<float>.Zero);

    // A float of 2²³ and more is a whole number in its last bits: moved up, they are an exponent, biased by 127.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> PowerOfTwo(Vector256<float> exponent) =>
        ((exponent + Vector256.Create((3 << 22) + 127f)).AsInt32() << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LowerBFloat16(Vector256<float> pair) => (pair.AsUInt32() << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> UpperBFloat16(Vector256<float> pair) =>
        (pair.AsUInt32() & Vector256.Create(0xFFFF_0000u)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadInt8(sbyte* source)
    {
        KernelMemory.AssertInside((float*)source, Count / sizeof(float));
        return Avx2.IsSupported
            ? Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source))
            : Vector256.Create(Lanes128.LoadInt8(source), Lanes128.LoadInt8(source + Lanes128.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> value) => Vector256.Sum(value);

    public static void Transpose(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        KernelMemory.AssertInside(source, sourceStride, Count, Count);
        KernelMemory.AssertInside(destination, destinationStride, Count, Count);
        if (Avx.IsSupported)
        {
            TransposeInRegisters(source, sourceStride, destination, destinationStride);
            return;
        }

        for (var row = 0; row < Count; row++)
        {
            for (var column = 0; column < Count; column++)
            {
                destination[(column * destinationStride) + row] = source[(row * sourceStride) + column];
            }
        }
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
