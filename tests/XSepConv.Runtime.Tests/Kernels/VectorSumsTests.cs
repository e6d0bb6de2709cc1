using System.Runtime.Intrinsics;
using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Maps of equal values, as white or letterboxed pictures give: each addition in a row rounds the same way.</summary>
public sealed unsafe class VectorSumsTests
{
    // Few additions in a row, then of halves: at most so many roundings of 6e-8 on the way of any value.
    private const double Tolerance = 2e-6;

    public static TheoryData<int, float> Maps =>
        new MatrixTheoryData<int, float>([1, 3, 64, 65, 1023, 56 * 56, 256 * 256, 1024 * 1024], [0.1f, 1.3f]);

    [Theory]
    [MemberData(nameof(Maps))]
    public void The_mean_of_equal_values_is_the_value(int pixels, float value)
    {
        if (Widths.AreTested("v512")) Check<Lanes512, Vector512<float>>(pixels, value);
        if (Widths.AreTested("v256")) Check<Lanes256, Vector256<float>>(pixels, value);
        if (Widths.AreTested("v128")) Check<Lanes128, Vector128<float>>(pixels, value);
        Check<LanesScalar, float>(pixels, value);
    }

    private static void Check<TLanes, TVector>(int pixels, float value)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        const int Piece = 252;
        var lanes = TLanes.Count;
        AlignedFloats values = new((long)pixels * lanes), sum = new(lanes), pieces = new(lanes), lost = new(lanes), record = new(3 * lanes);
        new Span<float>(values.Pointer, pixels * lanes).Fill(value);
        VectorSums<TLanes, TVector>.Sum(sum.Pointer, values.Pointer, pixels);
        for (var pixel = 0; pixel < pixels; pixel += Piece)
        {
            VectorSums<TLanes, TVector>.AddTo(
                pieces.Pointer, lost.Pointer, values.Pointer + ((nint)pixel * lanes), Math.Min(Piece, pixels - pixel));
        }

        // Half above the mean and half below it: the mean is a multiple of the value that float32 holds, the squares are all alike.
        for (var pixel = 0; pixel < pixels; pixel++)
        {
            new Span<float>(values.Pointer + ((nint)pixel * lanes), lanes).Fill(pixel % 2 == 0 ? value : -value);
        }

        var zero = new AlignedFloats(lanes);
        NormStatistics<TLanes, TVector>.Measure(values.Pointer, pixels, zero.Pointer, record.Pointer);
        for (var lane = 0; lane < lanes; lane++)
        {
            Near(value * (double)pixels, sum.Pointer[lane]);
            Near(value * (double)pixels, pieces.Pointer[lane]);
            Near((double)value * value * pixels, record.Pointer[(2 * lanes) + lane]);
        }

        void Near(double expected, float actual) => Assert.True(
            Math.Abs(actual - expected) <= Tolerance * expected, $"{typeof(TLanes).Name}: {actual} is not {expected}");
    }
}
