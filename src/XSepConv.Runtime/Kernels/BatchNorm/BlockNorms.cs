using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace XSepConv.Kernels;

/// <summary>Norms of whole maps, and of the one block of channels that a kernel is at.</summary>
internal static unsafe class BlockNorms<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>What makes the raw map's gradient, for a block and an image.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LoadGradient(in PendingMap map, int block, int image, in NormLanes norm)
    {
        var at = map.Coefficients(block, image);
        Copy(map.Direct + at, norm.Direct);
        Copy(map.Slope + ((nint)block * TLanes.Count), norm.Slope);
        Copy(map.Offset + at, norm.Offset);
    }

    /// <summary>What a forward has left of a block.</summary>
    public static void Load(in MapNorm map, int block, in NormLanes norm)
    {
        var at = (nint)block * TLanes.Count;
        Copy(map.Mean + at, norm.Mean);
        Copy(map.InverseStd + at, norm.InverseStd);
        Copy(map.Scale + at, norm.Scale);
        Copy(map.Shift + at, norm.Shift);
    }

    /// <summary>A block's statistics, and what follows from them, for the map.</summary>
    public static void Store(in NormLanes norm, in MapNorm map, int block)
    {
        var at = (nint)block * TLanes.Count;
        Copy(norm.Mean, map.Mean + at);
        Copy(norm.Variance, map.Variance + at);
        Copy(norm.InverseStd, map.InverseStd + at);
        Copy(norm.Scale, map.Scale + at);
        Copy(norm.Shift, map.Shift + at);
    }

    /// <summary>A block's coefficients of backward, for the map.</summary>
    public static void StoreGradient(in NormLanes norm, in MapNorm map, int block)
    {
        var at = (nint)block * TLanes.Count;
        Copy(norm.Direct, map.Direct + at);
        Copy(norm.Slope, map.Slope + at);
        Copy(norm.Offset, map.Offset + at);
    }

    /// <summary>The batch's statistics of a map, from its segments' records.</summary>
    public static void Finish(float* records, in PixelChunks chunks, in BatchNormParameters parameters, in MapNorm norm)
    {
        var lanes = TLanes.Count;
        var mean = stackalloc double[lanes];
        var variance = stackalloc double[lanes];
        for (var c = 0; c < norm.Channels; c += lanes)
        {
            SegmentStatistics<TLanes, TVector>.Combine(
                records + ((nint)c * chunks.Segments * SegmentStatistics<TLanes, TVector>.RecordVectors), chunks, mean, variance);
            for (var lane = 0; lane < Math.Min(lanes, norm.Channels - c); lane++)
            {
                norm.Set(parameters, c + lane, mean[lane], variance[lane]);
            }
        }
    }

    /// <summary>The gradients of a map's norm, from sums of <see cref="PendingSweeps{TLanes, TVector}"/>.</summary>
    /// <param name="sums">[block][segment], two vectors each.</param>
    /// <param name="count">Values of a channel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FinishGradient(
        float* sums, int segments, long count, bool frozen, in MapNorm norm, in BatchNormGradients gradients)
    {
        var lanes = TLanes.Count;
        var totals = stackalloc double[2 * lanes];
        for (var c = 0; c < norm.Channels; c += lanes)
        {
            for (var lane = 0; lane < 2 * lanes; lane += DoubleLanes<TLanes, TVector>.Count)
            {
                var total = Vector256<double>.Zero;
                for (var segment = 0; segment < segments; segment++)
                {
                    total += DoubleLanes<TLanes, TVector>.Load(sums + ((nint)segment * 2 * lanes) + lane);
                }

                DoubleLanes<TLanes, TVector>.Store(total, totals + lane);
            }

            sums += (nint)segments * 2 * lanes;
            for (var lane = 0; lane < Math.Min(lanes, norm.Channels - c); lane++)
            {
                norm.SetGradient(c + lane, totals[lane], totals[lanes + lane], count, frozen, gradients);
            }
        }
    }

    private static void Copy(float* source, float* destination) => TLanes.Store(destination, TLanes.Load(source));
}
