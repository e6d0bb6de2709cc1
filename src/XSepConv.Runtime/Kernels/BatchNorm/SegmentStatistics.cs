using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace XSepConv.Kernels;

/// <summary>Batch statistics of a blocked map in two levels: float32 over a segment in cache, float64 over the segments.</summary>
/// <remarks>
/// A segment's sums are taken of what is left after the mean of some of its pixels: a mean far larger than the deviation costs no digits.
/// </remarks>
internal static unsafe class SegmentStatistics<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>Vectors of a record: origin, sum and sum of squares of what is left after it.</summary>
    public const int RecordVectors = 3;

    private const int Samples = 8;

    /// <summary>One segment of one block of channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Measure(float* values, int count, float* record)
    {
        var lanes = TLanes.Count;
        var samples = Math.Min(Samples, count);
        var apart = (nint)(count / samples) * lanes;
        TVector s0 = TLanes.Splat(0), s1 = s0, q0 = s0, q1 = s0;
        for (var i = 0; i < samples; i++) s0 = TLanes.Add(s0, TLanes.Load(values + (i * apart)));
        var origin = TLanes.Multiply(s0, TLanes.Splat(1f / samples));
        s0 = s1;
        var rest = count & 3;
        for (count >>= 2; count > 0; count--)
        {
            var d0 = TLanes.Subtract(TLanes.Load(values), origin);
            var d1 = TLanes.Subtract(TLanes.Load(values + lanes), origin);
            var d2 = TLanes.Subtract(TLanes.Load(values + (2 * lanes)), origin);
            var d3 = TLanes.Subtract(TLanes.Load(values + (3 * lanes)), origin);
            q0 = TLanes.MultiplyAdd(d0, d0, q0);
            q1 = TLanes.MultiplyAdd(d1, d1, q1);
            s0 = TLanes.Add(s0, TLanes.Add(d0, d1));
            q0 = TLanes.MultiplyAdd(d2, d2, q0);
            q1 = TLanes.MultiplyAdd(d3, d3, q1);
            s1 = TLanes.Add(s1, TLanes.Add(d2, d3));
            values += 4 * lanes;
        }

        for (; rest > 0; rest--)
        {
            var d = TLanes.Subtract(TLanes.Load(values), origin);
            s0 = TLanes.Add(s0, d);
            q0 = TLanes.MultiplyAdd(d, d, q0);
            values += lanes;
        }

        TLanes.Store(record, origin);
        TLanes.Store(record + lanes, TLanes.Add(s0, s1));
        TLanes.Store(record + (2 * lanes), TLanes.Add(q0, q1));
    }

    /// <summary>Mean and biased variance of each lane of one block, from its segments' records.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Combine(float* records, in PixelChunks chunks, double* mean, double* variance)
    {
        var lanes = TLanes.Count;
        var pixels = Vector256.Create((double)chunks.Pixels);
        for (var lane = 0; lane < lanes; lane += DoubleLanes<TLanes, TVector>.Count)
        {
            var record = records + lane;
            var origin = DoubleLanes<TLanes, TVector>.Load(record);
            Vector256<double> sums = default, squares = default;
            for (var segment = 0; segment < chunks.Segments; segment++)
            {
                var count = Vector256.Create((double)chunks.SegmentPixels(segment));
                var offset = DoubleLanes<TLanes, TVector>.Load(record) - origin;
                var sum = DoubleLanes<TLanes, TVector>.Load(record + lanes);
                var square = DoubleLanes<TLanes, TVector>.Load(record + (2 * lanes));
                sums += sum + (count * offset);
                squares += square + (offset * (sum + sum + (count * offset)));
                record += RecordVectors * lanes;
            }

            var mid = sums / pixels;
            DoubleLanes<TLanes, TVector>.Store(origin + mid, mean + lane);
            DoubleLanes<TLanes, TVector>.Store(
                Vector256.Max(Vector256<double>.Zero, (squares / pixels) - (mid * mid)), variance + lane);
        }
    }

    /// <summary>Each image's mean, of one block: a vector an image.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ImageMeans(float* records, in PixelChunks chunks, float* means)
    {
        var lanes = TLanes.Count;
        var share = TLanes.Splat(1f / chunks.Plane);
        for (var segment = 0; segment < chunks.Segments; means += lanes)
        {
            var origin = TLanes.Load(records);
            var sum = TLanes.Splat(0);
            for (var i = 0; i < chunks.SegmentsOfImage; i++, segment++)
            {
                var between = TLanes.Subtract(TLanes.Load(records), origin);
                sum = TLanes.Add(sum, TLanes.MultiplyAdd(
                    between, TLanes.Splat(chunks.SegmentPixels(segment)), TLanes.Load(records + lanes)));
                records += RecordVectors * lanes;
            }

            TLanes.Store(means, TLanes.MultiplyAdd(sum, share, origin));
        }
    }
}
