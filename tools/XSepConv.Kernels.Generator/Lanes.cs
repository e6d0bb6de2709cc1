namespace XSepConv.Kernels.Generator;

/// <summary>What the three widths of vector have in common: one text with another number.</summary>
internal static class Lanes
{
    private const string Widest =
        """
        using System.Runtime.Intrinsics;
        using System.Runtime.Intrinsics.X86;

        internal readonly unsafe partial struct Lanes512 : ILanes<Vector512<float>>
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
        }
        """;

    /// <param name="bits">Of a vector.</param>
    /// <param name="isa">The instructions that transpose in its registers.</param>
    public static string Write(int bits, string isa)
    {
        var code = new Code();
        var text = Widest.Replace("Avx512F", isa).Replace("512", $"{bits}").Replace("Count => 16", $"Count => {bits / 32}");
        foreach (var line in text.Split('\n')) code.Line(line);
        return code.ToString();
    }
}
