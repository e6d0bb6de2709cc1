namespace XSepConv.Kernels;

/// <summary>
/// One width of vector: what the kernels' one body needs from it. What a lane holds is the kernel's affair: an image or a channel of a
/// block, a pixel of a row, an output of a linear layer.
/// </summary>
/// <typeparam name="TVector">
/// The vector; a bare <c>Vector512&lt;float&gt;</c>, not a wrapper, so that the JIT keeps it in a register.
/// </typeparam>
internal unsafe interface ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>Lanes in a vector: 16, 8, 4 or 1.</summary>
    static abstract int Count { get; }

    static abstract TVector Splat(float value);

    /// <summary>One float of memory in all lanes.</summary>
    static abstract TVector Broadcast(float* source);

    static abstract TVector Load(float* source);

    static abstract void Store(float* destination, TVector value);

    static abstract TVector Add(TVector left, TVector right);

    static abstract TVector Subtract(TVector left, TVector right);

    static abstract TVector Multiply(TVector left, TVector right);

    static abstract TVector Divide(TVector left, TVector right);

    static abstract TVector Sqrt(TVector value);

    /// <summary>The bits that both have.</summary>
    static abstract TVector And(TVector left, TVector right);

    /// <summary>left · right + addend: fused where the hardware has it, two roundings where not.</summary>
    static abstract TVector MultiplyAdd(TVector left, TVector right, TVector addend);

    /// <summary>The same at least in the lower half of the lanes; the upper ones are for lanes without a channel.</summary>
    /// <remarks>Half the cost where units have half the width of the registers, as Zen 4's.</remarks>
    static abstract TVector MultiplyAddLower(TVector left, TVector right, TVector addend);

    /// <summary>The larger one; where <paramref name="value"/> is NaN, NaN.</summary>
    static abstract TVector Max(TVector bound, TVector value);

    /// <summary>The smaller one; where <paramref name="value"/> is NaN, NaN.</summary>
    static abstract TVector Min(TVector bound, TVector value);

    /// <summary>
    /// The value between 0 and 1, whichever it is for NaN. Compared as integers, whose order is that of floats from 0 on: units other than
    /// those of the multiply-adds do that.
    /// </summary>
    static abstract TVector Between0And1(TVector value);

    /// <summary><paramref name="value"/> where <paramref name="test"/> is above zero, zero elsewhere.</summary>
    static abstract TVector WherePositive(TVector test, TVector value);

    /// <summary><paramref name="value"/> where |<paramref name="test"/>| is below <paramref name="bound"/>, zero elsewhere.</summary>
    static abstract TVector WhereWithin(TVector bound, TVector test, TVector value);

    /// <summary>The first lanes of <paramref name="value"/>, zero in the others.</summary>
    static abstract TVector KeepFirst(TVector value, int lanes);

    /// <summary>2 to the power of whole numbers from −127, where it is 0, to 128, where it is infinity.</summary>
    static abstract TVector PowerOfTwo(TVector exponent);

    /// <summary>The BF16 number in the lower half of each lane's bits.</summary>
    static abstract TVector LowerBFloat16(TVector pair);

    /// <summary>The BF16 number in the upper half of each lane's bits.</summary>
    static abstract TVector UpperBFloat16(TVector pair);

    /// <summary>As many signed bytes as there are lanes, as numbers.</summary>
    static abstract TVector LoadInt8(sbyte* source);

    static abstract float Sum(TVector value);

    /// <summary>
    /// Transposes a <see cref="Count"/>×<see cref="Count"/> block: row i is read at <c>source + i·sourceStride</c>, column i is written at
    /// <c>destination + i·destinationStride</c>. Strides in floats.
    /// </summary>
    static abstract void Transpose(float* source, nint sourceStride, float* destination, nint destinationStride);
}
