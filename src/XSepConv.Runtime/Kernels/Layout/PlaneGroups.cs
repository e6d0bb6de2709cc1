using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>How the planes of a tensor share vectors: the lanes are images of one channel, or channels of one image.</summary>
/// <remarks>
/// The first keeps a channel's statistics and weights to one item and needs the least scratch; the second fills vectors where images are
/// few. The choice follows from the shape alone, so that results do not depend on the number of threads.
/// </remarks>
internal readonly struct PlaneGroups
{
    // Channels in lanes keep the maps of a whole batch in each buffer. Out of the second cache that still costs less than idle lanes do;
    // this much is a bound for memory.
    private const long ChannelLanesBudget = 8L << 20;

    private readonly int _batch;
    private readonly int _channels;
    private readonly int _lanes;
    private readonly PaddingDirection _padding;

    public PlaneGroups(int batch, int channels, int lanes, PaddingDirection padding, bool lanesAreImages)
    {
        _batch = batch;
        _channels = channels;
        _lanes = lanes;
        _padding = padding;
        LanesAreImages = lanesAreImages;
        Items = lanesAreImages ? channels : CountChannelBlocks(channels, lanes, padding);
        GroupsPerItem = lanesAreImages ? BlockedMap.Blocks(batch, lanes) : batch;
    }

    public bool LanesAreImages { get; }

    /// <summary>Channels, or blocks of channels. A channel's statistics stay inside one item.</summary>
    public int Items { get; }

    /// <summary>Vectors of planes in each item.</summary>
    public int GroupsPerItem { get; }

    /// <summary>The grouping for training, where an item's planes stay in cache together.</summary>
    public static PlaneGroups ForTraining(int batch, int channels, int plane, int lanes, PaddingDirection padding)
    {
        var images = new PlaneGroups(batch, channels, lanes, padding, lanesAreImages: true);
        var blocks = new PlaneGroups(batch, channels, lanes, padding, lanesAreImages: false);
        var imageWork = (long)images.Items * images.GroupsPerItem;
        var blockWork = (long)blocks.Items * blocks.GroupsPerItem;
        var blockBytes = (long)batch * plane * lanes * sizeof(float);
        return blockWork * 5 < imageWork * 4 && blockBytes <= ChannelLanesBudget ? blocks : images;
    }

    /// <summary>The grouping for inference, where every group is on its own.</summary>
    public static PlaneGroups ForInference(int batch, int channels, int lanes, PaddingDirection padding)
    {
        var images = new PlaneGroups(batch, channels, lanes, padding, lanesAreImages: true);
        var blocks = new PlaneGroups(batch, channels, lanes, padding, lanesAreImages: false);
        return (long)images.Items * images.GroupsPerItem < (long)blocks.Items * blocks.GroupsPerItem ? images : blocks;
    }

    /// <summary>An item's first channel, how many it has, and how they are padded: blocks do not straddle two directions.</summary>
    public PlaneItem Item(int index)
    {
        if (LanesAreImages) return new PlaneItem(index, 1, _padding.ForChannel(index, _channels));
        if (_padding != PaddingDirection.Symmetric) return Block(0, _channels, index, _padding);
        var sizes = PaddingGeometry.SymmetricGroups(_channels);
        var start = 0;
        for (var i = 0; ; i++)
        {
            var size = SizeOf(sizes, i);
            var blocks = BlockedMap.Blocks(size, _lanes);
            if (index < blocks) return Block(start, size, index, PaddingGeometry.SymmetricOrder[i]);
            index -= blocks;
            start += size;
        }
    }

    /// <summary>
    /// Where a group's planes lie in a tensor: the first one's offset, from one to the next, and how many lanes have one.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PlaneSpan Planes(PlaneItem item, int group, int plane) => LanesAreImages
        ? new PlaneSpan((((nint)group * _lanes * _channels) + item.Channel) * plane, (nint)_channels * plane,
            Math.Min(_lanes, _batch - (group * _lanes)))
        : new PlaneSpan((((nint)group * _channels) + item.Channel) * plane, plane, item.Count);

    /// <summary>From the planes of a group to those of the next item's.</summary>
    public nint NextItem(int plane) => LanesAreImages ? plane : (nint)_lanes * plane;

    /// <summary>From the planes of a group to those of the same item's next group.</summary>
    public nint NextGroup(int plane) => (LanesAreImages ? (nint)_lanes * _channels : _channels) * plane;

    /// <summary>From one plane of a group to the next.</summary>
    public nint PlaneStride(int plane) => LanesAreImages ? (nint)_channels * plane : plane;

    private PlaneItem Block(int start, int size, int index, PaddingDirection padding)
    {
        var offset = index * _lanes;
        return new PlaneItem(start + offset, Math.Min(_lanes, size - offset), padding);
    }

    private static int CountChannelBlocks(int channels, int lanes, PaddingDirection padding)
    {
        if (padding != PaddingDirection.Symmetric) return BlockedMap.Blocks(channels, lanes);
        var sizes = PaddingGeometry.SymmetricGroups(channels);
        var blocks = 0;
        for (var i = 0; i < 4; i++) blocks += BlockedMap.Blocks(SizeOf(sizes, i), lanes);
        return blocks;
    }

    private static int SizeOf((int First, int Second, int Third, int Fourth) sizes, int group) =>
        group switch { 0 => sizes.First, 1 => sizes.Second, 2 => sizes.Third, _ => sizes.Fourth };
}

/// <summary>Channels that share an item of work.</summary>
internal readonly record struct PlaneItem(int Channel, int Count, PaddingDirection Padding);

/// <summary>Planes of one group in a tensor, in floats; <paramref name="Valid"/> of the lanes have one.</summary>
internal readonly record struct PlaneSpan(nint Offset, nint Stride, int Valid);
