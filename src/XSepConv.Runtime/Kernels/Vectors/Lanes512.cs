using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace XSepConv.Kernels;

/// <summary>16 lanes: AVX-512.</summary>
internal readonly unsafe struct Lanes512 : ILanes<Vector512<float>>
{
    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Splat(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float* source)
    {
        KernelMemory.AssertInside(source, 1);
        return Vector512.Create(*source);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source)
    {
        KernelMemory.AssertInside(source, Count);
        return Vector512.Load(source);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector512<float> value)
    {
        KernelMemory.AssertInside(destination, Count);
        value.Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> left, Vector512<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> left, Vector512<float> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> left, Vector512<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Divide(Vector512<float> left, Vector512<float> right) => left / right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sqrt(Vector512<float> value) => Vector512.Sqrt(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> And(Vector512<float> left, Vector512<float> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> left, Vector512<float> right, Vector512<float> addend) =>
        Vector512.MultiplyAddEstimate(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAddLower(Vector512<float> left, Vector512<float> right, Vector512<float> addend) =>
        Vector256.MultiplyAddEstimate(left.GetLower(), right.GetLower(), addend.GetLower()).ToVector512Unsafe();

    // x86 returns the second operand where one is NaN; Arm returns NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Max(Vector512<float> bound, Vector512<float> value) => Vector512.MaxNative(bound, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Min(Vector512<float> bound, Vector512<float> value) => Vector512.MinNative(bound, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Between0And1(Vector512<float> value) =>
        Vector512.Min(Vector512.Create(1f).AsInt32(), Vector512.Max(Vector512<int>.Zero, value.AsInt32())).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WherePositive(Vector512<float> test, Vector512<float> value) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(test, Vector512<float>.Zero), value, Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WhereWithin(Vector512<float> bound, Vector512<float> test, Vector512<float> value) =>
        Vector512.ConditionalSelect(Vector512.LessThan(Vector512.Abs(test), bound), value, Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> KeepFirst(Vector512<float> value, int lanes) =>
        Vector512.ConditionalSelect(Vector512.LessThan(Vector512<float>.Indices, Vector512.Create((float)lanes)), value,
            Vector512<float>.Zero);

    // A float of 2²³ and more is a whole number in its last bits: moved up, they are an exponent, biased by 127.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> PowerOfTwo(Vector512<float> exponent) =>
        ((exponent + Vector512.Create((3 << 22) + 127f)).AsInt32() << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LowerBFloat16(Vector512<float> pair) => (pair.AsUInt32() << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> UpperBFloat16(Vector512<float> pair) =>
        (pair.AsUInt32() & Vector512.Create(0xFFFF_0000u)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadInt8(sbyte* source)
    {
        KernelMemory.AssertInside((float*)source, Count / sizeof(float));
        return Avx512F.IsSupported
            ? Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(source)))
            : Vector512.Create(Lanes256.LoadInt8(source), Lanes256.LoadInt8(source + Lanes256.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> value) => Vector512.Sum(value);

    public static void Transpose(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        KernelMemory.AssertInside(source, sourceStride, Count, Count);
        KernelMemory.AssertInside(destination, destinationStride, Count, Count);
        if (Avx512F.IsSupported)
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
        // Pairs of rows, then of pairs, inside each 128-bit quarter; then the quarters change places twice.
        var r0 = Vector512.Load(source);
        var r1 = Vector512.Load(source + sourceStride);
        var r2 = Vector512.Load(source + (2 * sourceStride));
        var r3 = Vector512.Load(source + (3 * sourceStride));
        var r4 = Vector512.Load(source + (4 * sourceStride));
        var r5 = Vector512.Load(source + (5 * sourceStride));
        var r6 = Vector512.Load(source + (6 * sourceStride));
        var r7 = Vector512.Load(source + (7 * sourceStride));
        var r8 = Vector512.Load(source + (8 * sourceStride));
        var r9 = Vector512.Load(source + (9 * sourceStride));
        var r10 = Vector512.Load(source + (10 * sourceStride));
        var r11 = Vector512.Load(source + (11 * sourceStride));
        var r12 = Vector512.Load(source + (12 * sourceStride));
        var r13 = Vector512.Load(source + (13 * sourceStride));
        var r14 = Vector512.Load(source + (14 * sourceStride));
        var r15 = Vector512.Load(source + (15 * sourceStride));

        var p0 = Avx512F.UnpackLow(r0, r1).AsDouble();
        var p1 = Avx512F.UnpackHigh(r0, r1).AsDouble();
        var p2 = Avx512F.UnpackLow(r2, r3).AsDouble();
        var p3 = Avx512F.UnpackHigh(r2, r3).AsDouble();
        var p4 = Avx512F.UnpackLow(r4, r5).AsDouble();
        var p5 = Avx512F.UnpackHigh(r4, r5).AsDouble();
        var p6 = Avx512F.UnpackLow(r6, r7).AsDouble();
        var p7 = Avx512F.UnpackHigh(r6, r7).AsDouble();
        var p8 = Avx512F.UnpackLow(r8, r9).AsDouble();
        var p9 = Avx512F.UnpackHigh(r8, r9).AsDouble();
        var p10 = Avx512F.UnpackLow(r10, r11).AsDouble();
        var p11 = Avx512F.UnpackHigh(r10, r11).AsDouble();
        var p12 = Avx512F.UnpackLow(r12, r13).AsDouble();
        var p13 = Avx512F.UnpackHigh(r12, r13).AsDouble();
        var p14 = Avx512F.UnpackLow(r14, r15).AsDouble();
        var p15 = Avx512F.UnpackHigh(r14, r15).AsDouble();

        r0 = Avx512F.UnpackLow(p0, p2).AsSingle();
        r1 = Avx512F.UnpackHigh(p0, p2).AsSingle();
        r2 = Avx512F.UnpackLow(p1, p3).AsSingle();
        r3 = Avx512F.UnpackHigh(p1, p3).AsSingle();
        r4 = Avx512F.UnpackLow(p4, p6).AsSingle();
        r5 = Avx512F.UnpackHigh(p4, p6).AsSingle();
        r6 = Avx512F.UnpackLow(p5, p7).AsSingle();
        r7 = Avx512F.UnpackHigh(p5, p7).AsSingle();
        r8 = Avx512F.UnpackLow(p8, p10).AsSingle();
        r9 = Avx512F.UnpackHigh(p8, p10).AsSingle();
        r10 = Avx512F.UnpackLow(p9, p11).AsSingle();
        r11 = Avx512F.UnpackHigh(p9, p11).AsSingle();
        r12 = Avx512F.UnpackLow(p12, p14).AsSingle();
        r13 = Avx512F.UnpackHigh(p12, p14).AsSingle();
        r14 = Avx512F.UnpackLow(p13, p15).AsSingle();
        r15 = Avx512F.UnpackHigh(p13, p15).AsSingle();

        var q0 = Avx512F.Shuffle4x128(r0, r4, 0x88);
        var q4 = Avx512F.Shuffle4x128(r0, r4, 0xDD);
        var q8 = Avx512F.Shuffle4x128(r8, r12, 0x88);
        var q12 = Avx512F.Shuffle4x128(r8, r12, 0xDD);
        var q1 = Avx512F.Shuffle4x128(r1, r5, 0x88);
        var q5 = Avx512F.Shuffle4x128(r1, r5, 0xDD);
        var q9 = Avx512F.Shuffle4x128(r9, r13, 0x88);
        var q13 = Avx512F.Shuffle4x128(r9, r13, 0xDD);
        var q2 = Avx512F.Shuffle4x128(r2, r6, 0x88);
        var q6 = Avx512F.Shuffle4x128(r2, r6, 0xDD);
        var q10 = Avx512F.Shuffle4x128(r10, r14, 0x88);
        var q14 = Avx512F.Shuffle4x128(r10, r14, 0xDD);
        var q3 = Avx512F.Shuffle4x128(r3, r7, 0x88);
        var q7 = Avx512F.Shuffle4x128(r3, r7, 0xDD);
        var q11 = Avx512F.Shuffle4x128(r11, r15, 0x88);
        var q15 = Avx512F.Shuffle4x128(r11, r15, 0xDD);

        Avx512F.Shuffle4x128(q0, q8, 0x88).Store(destination);
        Avx512F.Shuffle4x128(q1, q9, 0x88).Store(destination + destinationStride);
        Avx512F.Shuffle4x128(q2, q10, 0x88).Store(destination + (2 * destinationStride));
        Avx512F.Shuffle4x128(q3, q11, 0x88).Store(destination + (3 * destinationStride));
        Avx512F.Shuffle4x128(q4, q12, 0x88).Store(destination + (4 * destinationStride));
        Avx512F.Shuffle4x128(q5, q13, 0x88).Store(destination + (5 * destinationStride));
        Avx512F.Shuffle4x128(q6, q14, 0x88).Store(destination + (6 * destinationStride));
        Avx512F.Shuffle4x128(q7, q15, 0x88).Store(destination + (7 * destinationStride));
        Avx512F.Shuffle4x128(q0, q8, 0xDD).Store(destination + (8 * destinationStride));
        Avx512F.Shuffle4x128(q1, q9, 0xDD).Store(destination + (9 * destinationStride));
        Avx512F.Shuffle4x128(q2, q10, 0xDD).Store(destination + (10 * destinationStride));
        Avx512F.Shuffle4x128(q3, q11, 0xDD).Store(destination + (11 * destinationStride));
        Avx512F.Shuffle4x128(q4, q12, 0xDD).Store(destination + (12 * destinationStride));
        Avx512F.Shuffle4x128(q5, q13, 0xDD).Store(destination + (13 * destinationStride));
        Avx512F.Shuffle4x128(q6, q14, 0xDD).Store(destination + (14 * destinationStride));
        Avx512F.Shuffle4x128(q7, q15, 0xDD).Store(destination + (15 * destinationStride));
    }
}
