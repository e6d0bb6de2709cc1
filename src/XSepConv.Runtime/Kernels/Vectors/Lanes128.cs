using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace XSepConv.Kernels;

/// <summary>4 lanes: SSE, NEON.</summary>
internal readonly unsafe struct Lanes128 : ILanes<Vector128<float>>
{
    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Splat(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float* source)
    {
        KernelMemory.AssertInside(source, 1);
        return Vector128.Create(*source);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* source)
    {
        KernelMemory.AssertInside(source, Count);
        return Vector128.Load(source);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector128<float> value)
    {
        KernelMemory.AssertInside(destination, Count);
        value.Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> left, Vector128<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Subtract(Vector128<float> left, Vector128<float> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> left, Vector128<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Divide(Vector128<float> left, Vector128<float> right) => left / right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sqrt(Vector128<float> value) => Vector128.Sqrt(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> And(Vector128<float> left, Vector128<float> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> left, Vector128<float> right, Vector128<float> addend) =>
        Vector128.MultiplyAddEstimate(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAddLower(Vector128<float> left, Vector128<float> right, Vector128<float> addend) =>
        MultiplyAdd(left, right, addend);

    // x86 returns the second operand where one is NaN; Arm returns NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Max(Vector128<float> bound, Vector128<float> value) => Vector128.MaxNative(bound, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Min(Vector128<float> bound, Vector128<float> value) => Vector128.MinNative(bound, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Between0And1(Vector128<float> value) =>
        Vector128.Min(Vector128.Create(1f).AsInt32(), Vector128.Max(Vector128<int>.Zero, value.AsInt32())).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> WherePositive(Vector128<float> test, Vector128<float> value) =>
        Vector128.ConditionalSelect(Vector128.GreaterThan(test, Vector128<float>.Zero), value, Vector128<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> WhereWithin(Vector128<float> bound, Vector128<float> test, Vector128<float> value) =>
        Vector128.ConditionalSelect(Vector128.LessThan(Vector128.Abs(test), bound), value, Vector128<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> KeepFirst(Vector128<float> value, int lanes) =>
        Vector128.ConditionalSelect(Vector128.LessThan(Vector128<float>.Indices, Vector128.Create((float)lanes)), value,
            Vector128<float>.Zero);

    // A float of 2²³ and more is a whole number in its last bits: moved up, they are an exponent, biased by 127.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> PowerOfTwo(Vector128<float> exponent) =>
        ((exponent + Vector128.Create((3 << 22) + 127f)).AsInt32() << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LowerBFloat16(Vector128<float> pair) => (pair.AsUInt32() << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> UpperBFloat16(Vector128<float> pair) =>
        (pair.AsUInt32() & Vector128.Create(0xFFFF_0000u)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadInt8(sbyte* source)
    {
        KernelMemory.AssertInside((float*)source, Count / sizeof(float));
        return Vector128.ConvertToSingle(
            Sse41.IsSupported
                ? Sse41.ConvertToVector128Int32(source)
                : Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(int*)source).AsSByte())));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> value) => Vector128.Sum(value);

    public static void Transpose(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        KernelMemory.AssertInside(source, sourceStride, Count, Count);
        KernelMemory.AssertInside(destination, destinationStride, Count, Count);
        if (Sse2.IsSupported)
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
