using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// The last step of a block's forward: norm and gates of the projected map, plus the shortcut, as a tensor. Items are chunks.
/// </summary>
internal unsafe struct BlockOutputWork<TLanes, TVector, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    public PixelChunks Chunks;
    public PendingMap Map;

    /// <summary>A convolution's, if that is there.</summary>
    public PendingMap Shortcut;

    /// <summary>The input where that is added; null where it is not.</summary>
    public float* Input;

    /// <summary>[N, C, H, W].</summary>
    public float* Output;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var lanes = TLanes.Count;
        var values = layout.Vectors(Chunks.Largest);
        var others = layout.Vectors(Chunks.Largest);
        if (!layout.HasMemory) return;
        for (var i = first; i < end; i++)
        {
            var chunk = Chunks[i];
            for (var k = 0; k < BlockedMap.Blocks(Map.Channels, lanes); k++)
            {
                var valid = Math.Min(lanes, Map.Channels - (k * lanes));
                for (var s = 0; s < chunk.Segments; s++)
                {
                    Values<TActivation>(Map, chunk, k, s, values);
                    if (Shortcut.Raw.IsThere)
                    {
                        Values<IdentityActivation>(Shortcut, chunk, k, s, others);
                        PendingSweeps<TLanes, TVector>.Add(others, chunk.SegmentPixels, values);
                    }

                    var at = ((((nint)(chunk.Image + s) * Map.Channels) + (k * lanes)) * chunk.Plane) + chunk.Offset;
                    Reorder<TLanes, TVector>.ToPlanes(values, chunk.SegmentPixels, Output + at, chunk.Plane, valid);
                    if (Input != null) AddPlanes(Input + at, Output + at, chunk.Plane, valid, chunk.SegmentPixels);
                }
            }
        }
    }

    private static void Values<TFunction>(in PendingMap map, in PixelChunk chunk, int block, int segment, float* values)
        where TFunction : struct, IActivation
    {
        var at = map.Coefficients(block, chunk.Image + segment);
        PendingSweeps<TLanes, TVector>.Activate<TFunction>(
            map.Raw.At(block, chunk.First + ((nint)segment * chunk.SegmentPixels), TLanes.Count), chunk.SegmentPixels, map.Scale + at,
            map.Shift + at, values);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddPlanes(float* addend, float* sum, int plane, int planes, int count)
    {
        for (; planes > 0; planes--)
        {
            var i = 0;
            for (; i <= count - TLanes.Count; i += TLanes.Count)
            {
                TLanes.Store(sum + i, TLanes.Add(TLanes.Load(sum + i), TLanes.Load(addend + i)));
            }

            for (; i < count; i++) sum[i] += addend[i];
            addend += plane;
            sum += plane;
        }
    }
}

/// <summary>
/// The first step of a block's backward: the output's gradient as a blocked map, before the activation if there is one, and its sums for
/// the norms of the projection and of the shortcut. Items are chunks.
/// </summary>
internal unsafe struct BlockGradientWork<TLanes, TVector, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    public PixelChunks Chunks;

    /// <summary>Its gradient is written.</summary>
    public PendingMap Map;

    /// <summary>Of the same gradient, if that is there.</summary>
    public PendingMap Shortcut;

    /// <summary>[N, C, H, W].</summary>
    public float* Gradient;

    /// <summary>Two vectors a block and segment.</summary>
    public float* Sums;
    public float* ShortcutSums;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        if (!layout.HasMemory) return;
        var lanes = TLanes.Count;
        for (var i = first; i < end; i++)
        {
            var chunk = Chunks[i];
            for (var k = 0; k < BlockedMap.Blocks(Map.Channels, lanes); k++)
            {
                for (var s = 0; s < chunk.Segments; s++)
                {
                    var at = ((((nint)(chunk.Image + s) * Map.Channels) + (k * lanes)) * chunk.Plane) + chunk.Offset;
                    var pixel = chunk.First + ((nint)s * chunk.SegmentPixels);
                    var gradient = Map.Gradient.At(k, pixel, lanes);
                    Reorder<TLanes, TVector>.ToBlocked(
                        Gradient + at, chunk.Plane, Math.Min(lanes, Map.Channels - (k * lanes)), chunk.SegmentPixels, gradient);
                    var record = (((nint)k * Chunks.Segments) + chunk.FirstSegment + s) * 2 * lanes;
                    Sum<TActivation>(Map, k, chunk.Image + s, pixel, chunk.SegmentPixels, gradient, Sums + record);
                    if (!Shortcut.Raw.IsThere) continue;
                    Sum<IdentityActivation>(Shortcut, k, chunk.Image + s, pixel, chunk.SegmentPixels, gradient, ShortcutSums + record);
                }
            }
        }
    }

    private static void Sum<TFunction>(in PendingMap map, int block, int image, nint pixel, int count, float* gradient, float* sums)
        where TFunction : struct, IActivation
    {
        var at = map.Coefficients(block, image);
        PendingSweeps<TLanes, TVector>.ActivationBackward<TFunction>(
            map.Raw.At(block, pixel, TLanes.Count), gradient, count, map.Scale + at, map.Shift + at, map.Mean + (block * TLanes.Count),
            sums);
    }
}
