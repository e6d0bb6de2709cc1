using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Sums of vectors, lane by lane.</summary>
/// <remarks>
/// Of halves, and those of halves again, down to few vectors: added one after the other, a map of equal values would lose a unit in the
/// last place of its sum with each, a thousandth of the mean at 1024×1024.
/// </remarks>
internal static unsafe class VectorSums<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>What a loop that sums in passing adds one after the other in one sum.</summary>
    public const int InPassing = 512;

    // Added one after the other, in four sums.
    private const int Few = 64;

    /// <summary>Lines whose values such a loop adds one after the other, before it adds their sum to that of the lines before.</summary>
    public static int Lines(int length) => Math.Max(1, InPassing / length);

    /// <summary>sum ← sum + addend.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(float* sum, TVector addend) => TLanes.Store(sum, TLanes.Add(TLanes.Load(sum), addend));

    /// <summary>The sum of so many vectors.</summary>
    public static void Sum(float* sum, float* values, int count) => TLanes.Store(sum, Sum(values, count));

    /// <summary>Adds so many vectors to the sum of those before them.</summary>
    /// <param name="sum">A vector, 0 at first.</param>
    /// <param name="lost">A vector, 0 at first: what rounding took from the sum (Kahan).</param>
    /// <param name="values">The vectors.</param>
    /// <param name="count">How many.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddTo(float* sum, float* lost, float* values, int count)
    {
        var before = TLanes.Load(sum);
        var added = TLanes.Subtract(Sum(values, count), TLanes.Load(lost));
        var after = TLanes.Add(before, added);
        TLanes.Store(lost, TLanes.Subtract(TLanes.Subtract(after, before), added));
        TLanes.Store(sum, after);
    }

    /// <summary>Multiplies one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* vector, float factor) =>
        TLanes.Store(vector, TLanes.Multiply(TLanes.Load(vector), TLanes.Splat(factor)));

    private static TVector Sum(float* values, int count)
    {
        if (count <= Few) return SumFew(values, count);
        var half = ((count / 2) + Few - 1) / Few * Few;
        return TLanes.Add(Sum(values, half), Sum(values + ((nint)half * TLanes.Count), count - half));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static TVector SumFew(float* values, int count)
    {
        var lanes = TLanes.Count;
        var s0 = TLanes.Splat(0);
        var s1 = s0;
        var s2 = s0;
        var s3 = s0;
        var end = values + ((nint)count * lanes);
        for (; values + (3 * lanes) < end; values += 4 * lanes)
        {
            s0 = TLanes.Add(s0, TLanes.Load(values));
            s1 = TLanes.Add(s1, TLanes.Load(values + lanes));
            s2 = TLanes.Add(s2, TLanes.Load(values + (2 * lanes)));
            s3 = TLanes.Add(s3, TLanes.Load(values + (3 * lanes)));
        }

        for (; values < end; values += lanes) s0 = TLanes.Add(s0, TLanes.Load(values));
        return TLanes.Add(TLanes.Add(s0, s1), TLanes.Add(s2, s3));
    }
}
