using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>A block of channels of a blocked map as an item of work: its lanes are channels, its groups images.</summary>
internal static unsafe class MapItems
{
    public static ItemLanes Of<TLanes, TVector>(int batch, int channels, int block)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        // Blocks that stop where a padding's direction changes would be other blocks than the map's.
        var groups = new PlaneGroups(batch, channels, TLanes.Count, PaddingDirection.RightBottom, lanesAreImages: false);
        return new(groups, groups.Item(block), batch, TLanes.Count);
    }

    /// <summary>An image's record of <see cref="NormStatistics{TLanes, TVector}.Measure"/>.</summary>
    public static float* Record<TLanes, TVector>(float* records, int image)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => records + ((nint)image * NormStatistics<TLanes, TVector>.RecordVectors * TLanes.Count);

    /// <summary>A block's statistics from its images' records, and how far the images' means are from the norm's.</summary>
    /// <param name="count">Pixels of an image.</param>
    /// <param name="norm">With the block's scale and shift.</param>
    /// <param name="means">[block][image][lane], or null.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Finish<TLanes, TVector>(
        in ItemLanes item, int block, float* records, int count, in NormLanes norm, in BatchNormParameters parameters, in MapNorm map,
        float* means = null)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        if (parameters.Frozen)
        {
            BlockNorms<TLanes, TVector>.Load(map, block, norm);
        }
        else
        {
            NormStatistics<TLanes, TVector>.Combine(item, records, count, norm, parameters.Epsilon);
            BlockNorms<TLanes, TVector>.Store(norm, map, block);
        }

        var mean = TLanes.Load(norm.Mean);
        for (var image = 0; image < item.Groups && means != null; image++)
        {
            var record = Record<TLanes, TVector>(records, image);
            var deviation = TLanes.Add(TLanes.Subtract(TLanes.Load(record), mean), TLanes.Load(record + TLanes.Count));
            TLanes.Store(means + ((((nint)block * item.Groups) + image) * TLanes.Count), deviation);
        }
    }
}
