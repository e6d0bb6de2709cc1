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

    // Of the origin: at least so many pixels, or one in so many.
    private const int Samples = 8, Apart = 16;

    /// <summary>One segment of one block of channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Measure(float* values, int count, float* record)
    {
        var lanes = TLanes.Count;
        var samples = Math.Min(Math.Max(Samples, count / Apart), count);
        var apart = (nint)(count / samples) * lanes;
        var sample = TLanes.Splat(0);
        for (var i = 0; i < samples; i++) sample = TLanes.Add(sample, TLanes.Load(values + (i * apart)));
        var origin = TLanes.Multiply(sample, TLanes.Splat(1f / samples));
        var (sum, squares) = NormStatistics<TLanes, TVector>.Deviations(values, count, origin);
        TLanes.Store(record, origin);
        TLanes.Store(record + lanes, sum);
        TLanes.Store(record + (2 * lanes), squares);
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

    /// <summary>How far each image's mean is from the norm's, of one block: a vector an image.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ImageMeans(float* records, in PixelChunks chunks, float* mean, float* means)
    {
        var lanes = TLanes.Count;
        for (var segment = 0; segment < chunks.Segments; means += lanes)
        {
            var first = segment;
            var image = records;
            for (var lane = 0; lane < lanes; lane += DoubleLanes<TLanes, TVector>.Count)
            {
                var center = DoubleLanes<TLanes, TVector>.Load(mean + lane);
                var sum = Vector256<double>.Zero;
                var record = image + lane;
                for (segment = first; segment < first + chunks.SegmentsOfImage; segment++)
                {
                    var count = Vector256.Create((double)chunks.SegmentPixels(segment));
                    var between = DoubleLanes<TLanes, TVector>.Load(record) - center;
                    sum += DoubleLanes<TLanes, TVector>.Load(record + lanes) + (count * between);
                    record += RecordVectors * lanes;
                }

                DoubleLanes<TLanes, TVector>.StoreSingle(sum / (double)chunks.Plane, means + lane);
            }

            records += (nint)chunks.SegmentsOfImage * RecordVectors * lanes;
        }
    }
}
