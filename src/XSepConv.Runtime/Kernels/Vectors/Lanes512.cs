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
