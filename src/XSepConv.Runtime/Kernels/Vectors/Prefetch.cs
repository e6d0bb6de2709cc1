using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace XSepConv.Kernels;

/// <summary>Prefetches memory that will be needed soon: with every vector that a kernel computes, a cache line.</summary>
/// <remarks>
/// A transposition touches 16 planes in turns, which the hardware's prefetchers do not follow, and between two of them the kernels compute
/// for a microsecond without touching memory. Without this they wait for memory half of their time. Nothing is read: any address will do.
/// </remarks>
/// <param name="planes">The group's planes in the first tensor.</param>
/// <param name="offsets">From there, one for each vector; null for nothing.</param>
internal readonly unsafe struct Prefetch(float* planes, nint* offsets)
{
    private const int LineFloats = 16;

    /// <summary>Nothing is prefetched.</summary>
    public static Prefetch None => default;

    public bool IsOn => offsets != null && Sse.IsSupported;

    /// <summary>Fills the table of offsets: the lines of a group's planes in each of the tensors, dealt out to the vectors.</summary>
    /// <param name="offsets">Written.</param>
    /// <param name="vectors">How many there are.</param>
    /// <param name="plane">Floats of a plane, the same in all tensors.</param>
    /// <param name="planeStride">From one plane of the group to the next.</param>
    /// <param name="lanes">Planes in a group.</param>
    /// <param name="tensors">Where a group's planes begin in each tensor, from those in the first.</param>
    public static void FillOffsets(nint* offsets, int vectors, int plane, nint planeStride, int lanes, ReadOnlySpan<nint> tensors)
    {
        var isOneSpan = planeStride == plane;
        var lines = ((isOneSpan ? lanes * plane : plane) + LineFloats - 1) / LineFloats;
        var spans = isOneSpan ? 1 : lanes;
        var total = (long)lines * spans * tensors.Length;
        var (vector, dealt) = (0, 0L);
        foreach (var tensor in tensors)
        {
            for (var span = 0; span < spans; span++)
            {
                for (var line = 0; line < lines; line++)
                {
                    // Each line as often as it takes to deal all of them out to the vectors.
                    for (dealt += vectors; vector < vectors && vector * total < dealt; vector++)
                    {
                        offsets[vector] = tensor + (span * planeStride) + (line * LineFloats);
                    }
                }
            }
        }
    }

    /// <summary>What goes with the vectors after the first <paramref name="count"/>.</summary>
    public Prefetch After(nint count) => new(planes, offsets == null ? null : offsets + count);

    /// <summary>Prefetches the line that goes with a vector. Only where <see cref="IsOn"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Line(nint vector) => Sse.Prefetch0(planes + offsets[vector]);

    /// <summary>Prefetches the lines that go with the first <paramref name="count"/> vectors, where it is on.</summary>
    /// <returns>What goes with the vectors after them.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Prefetch Lines(int count)
    {
        if (!IsOn) return this;
        for (var vector = 0; vector < count; vector++) Line(vector);
        return After(count);
    }
}
