using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>One item of work as its lanes see it: which hold a plane, what belongs to one channel, where parameters come from.</summary>
internal readonly unsafe struct ItemLanes(PlaneGroups groups, PlaneItem item, int batch, int lanes)
{
    private const int MaxTaps = 16;

    public int Lanes => lanes;

    public bool LanesAreImages => groups.LanesAreImages;

    public int Groups => groups.GroupsPerItem;

    public PlaneItem Item => item;

    /// <summary>Planes over which one channel's statistics run: the batch.</summary>
    public int PlanesPerChannel => batch;

    public PlaneSpan Planes(int group, int plane) => groups.Planes(item, group, plane);

    /// <summary>
    /// Zero in lanes of the last group that hold no image. (Lanes without a channel keep to themselves and are never stored.)
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Masked<TLanes, TVector>(TVector value, int group)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        var valid = batch - (group * lanes);
        return LanesAreImages && valid < lanes ? TLanes.KeepFirst(value, valid) : value;
    }

    /// <summary>What belongs to a channel, in each of its lanes: the sum over all lanes where they are images.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Reduced<TLanes, TVector>(TVector total)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => LanesAreImages ? TLanes.Splat(TLanes.Sum(total)) : total;

    /// <summary>Adds one group's sums, <paramref name="count"/> vectors, to the item's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Accumulate<TLanes, TVector>(float* partial, float* totals, int count, int group)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        for (var i = 0; i < count; i++)
        {
            var offset = i * TLanes.Count;
            TLanes.Store(totals + offset,
                TLanes.Add(TLanes.Load(totals + offset), Masked<TLanes, TVector>(TLanes.Load(partial + offset), group)));
        }
    }

    /// <summary>Packs a parameter [C, taps] into lanes, <paramref name="taps"/> vectors; zero in lanes without a channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack<TLanes, TVector>(float* parameter, int taps, float* destination)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        var source = parameter + ((nint)item.Channel * taps);
        var count = item.Count;
        KernelMemory.AssertInside(source, (long)count * taps);
        if (!LanesAreImages && count == TLanes.Count)
        {
            // With few taps, copying to and fro costs more than it gains.
            if (taps == 1)
            {
                TLanes.Store(destination, TLanes.Load(source));
                return;
            }

            if (taps is > 4 and <= MaxTaps && taps <= TLanes.Count)
            {
                PackBlock<TLanes, TVector>(source, taps, destination);
                return;
            }
        }

        for (var tap = 0; tap < taps; tap++)
        {
            TLanes.Store(destination, TLanes.Splat(LanesAreImages ? source[tap] : 0));
            for (var lane = 0; lane < count && !LanesAreImages; lane++) destination[lane] = source[(lane * taps) + tap];
            destination += TLanes.Count;
        }
    }

    // A channel's taps in a row, transposed. The rows overlap; what they read beyond their taps goes to vectors that nobody reads.
    [SkipLocalsInit]
    private static void PackBlock<TLanes, TVector>(float* source, int taps, float* destination)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        var rows = stackalloc float[3 * MaxTaps * MaxTaps];
        var transposed = rows + (2 * MaxTaps * MaxTaps);
        KernelMemory.EnterOwn(rows, 3 * MaxTaps * MaxTaps);
        Copy(source, rows);
        TLanes.Transpose(rows, taps, transposed, TLanes.Count);
        Copy(transposed, destination);
        KernelMemory.LeaveOwn();

        void Copy(float* from, float* to)
        {
            for (var i = 0; i < taps * TLanes.Count; i += TLanes.Count) TLanes.Store(to + i, TLanes.Load(from + i));
        }
    }

    /// <summary>The other way: one value per channel and tap; to null nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Unpack(float* source, int taps, float* parameter)
    {
        if (parameter == null) return;
        var destination = parameter + ((nint)item.Channel * taps);
        KernelMemory.AssertInside(destination, (long)item.Count * taps);
        for (var channel = 0; channel < item.Count; channel++)
        {
            for (var tap = 0; tap < taps; tap++) destination[(channel * taps) + tap] = source[(tap * lanes) + channel];
        }
    }
}
