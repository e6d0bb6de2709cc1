using System.Collections.Concurrent;

namespace XSepConv.Kernels;

/// <summary>A 1×1 convolution of one chunk of pixels.</summary>
internal static unsafe class PointwiseChunk<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    // A cut takes longer to find than a chunk to compute. There are as many as layers of different shapes.
    private static readonly ConcurrentDictionary<(int Outputs, int Pixels, int Channels), PointwiseGroup[]> s_groups = new();

    /// <param name="input">[block][pixel][lane].</param>
    /// <param name="inputBlock">Floats from one block to the next.</param>
    /// <param name="weights">As <see cref="PointwiseWeights{TLanes, TVector}"/> packs them.</param>
    /// <param name="zeros">What sums begin with, <see cref="PointwisePlan.MaxVectors"/> vectors.</param>
    /// <param name="measured">The statistics' records of the chunk, three vectors a segment; null for none.</param>
    /// <param name="recordBlock">Floats from one block's records to the next one's.</param>
    public static void Run(
        in PixelChunk chunk, float* input, nint inputBlock, int channels, float* weights, float* zeros, float* output, nint outputBlock,
        int outputs, float* measured = null, nint recordBlock = 0)
    {
        var lanes = TLanes.Count;
        var key = (outputs, chunk.Pixels, channels);
        if (!s_groups.TryGetValue(key, out var groups))
        {
            groups = PointwisePlan.Create(outputs, lanes, chunk.Pixels, channels);
            s_groups[key] = groups;
        }

        var tile = new PointwiseTile
        {
            Outer = inputBlock,
            Channels = channels,
            WeightBlock = (nint)channels * lanes,
            Bias = zeros,
            OutputBlock = outputBlock,
        };
        foreach (var group in groups)
        {
            tile.Weights = weights + (group.Block * tile.WeightBlock);
            var first = output + (group.Block * outputBlock);
            tile.IsLastHalf = group.IsLastHalf;
            tile.Input = input;
            tile.Output = first;
            PointwiseTileRuns<TLanes, TVector>.Run(group.Runs, group.Vectors, &tile);
            for (var v = 0; v < group.Vectors && measured != null; v++)
            {
                var record = measured + ((group.Block + v) * recordBlock);
                for (var s = 0; s < chunk.Segments; s++)
                {
                    SegmentStatistics<TLanes, TVector>.Measure(
                        first + (v * outputBlock) + ((nint)s * chunk.SegmentPixels * lanes), chunk.SegmentPixels, record);
                    record += SegmentStatistics<TLanes, TVector>.RecordVectors * lanes;
                }
            }
        }
    }
}
