namespace XSepConv.Kernels;

/// <summary>What a 1×1 convolution reads, a chunk of pixels at a time, and where the gradient of that goes.</summary>
internal unsafe interface IInputPanel
{
    /// <summary>Whether a gradient is wanted.</summary>
    bool HasGradient { get; }

    /// <summary>Writes a chunk's values, [block][pixel][lane].</summary>
    /// <param name="block">Floats from one block to the next, like those of the other panels.</param>
    void Fill<TLanes, TVector>(in PixelChunk chunk, float* values, nint block)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged;

    /// <summary>Takes the gradient of a chunk's values, which it may overwrite, and writes the values.</summary>
    void Backward<TLanes, TVector>(in PixelChunk chunk, float* gradient, float* values, nint block)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged;
}

/// <summary>A pending map.</summary>
/// <param name="map">Its gradient is written.</param>
/// <param name="sums">Written in backward, [block][segment]: see <see cref="PendingSweeps{TLanes, TVector}.Backward"/>.</param>
/// <param name="segments">How many there are.</param>
internal readonly unsafe struct PendingPanel<TActivation>(PendingMap map, float* sums, int segments) : IInputPanel
    where TActivation : struct, IActivation
{
    /// <summary>Vectors of a segment's sums.</summary>
    public const int SumVectors = 2;

    public bool HasGradient => true;

    public void Fill<TLanes, TVector>(in PixelChunk chunk, float* values, nint block)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        var segment = (nint)chunk.SegmentPixels * TLanes.Count;
        for (var k = 0; k < BlockedMap.Blocks(map.Channels, TLanes.Count); k++)
        {
            var raw = map.Raw.At(k, chunk.First, TLanes.Count);
            for (var s = 0; s < chunk.Segments; s++)
            {
                var at = map.Coefficients(k, chunk.Image + s);
                var target = values + (k * block) + (s * segment);
                PendingSweeps<TLanes, TVector>.Activate<TActivation>(
                    raw + (s * segment), chunk.SegmentPixels, map.Scale + at, map.Shift + at, target);
                if (map.Gates == null) continue;
                PendingSweeps<TLanes, TVector>.Scale(
                    target, chunk.SegmentPixels, TLanes.Load(map.Gate(k, chunk.Image + s, TLanes.Count)), TLanes.Splat(0));
            }
        }
    }

    public void Backward<TLanes, TVector>(in PixelChunk chunk, float* gradient, float* values, nint block)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        var segment = (nint)chunk.SegmentPixels * TLanes.Count;
        for (var k = 0; k < BlockedMap.Blocks(map.Channels, TLanes.Count); k++)
        {
            var raw = map.Raw.At(k, chunk.First, TLanes.Count);
            var result = map.Gradient.At(k, chunk.First, TLanes.Count);
            for (var s = 0; s < chunk.Segments; s++)
            {
                var at = map.Coefficients(k, chunk.Image + s);
                var record = sums + ((((nint)k * segments) + chunk.FirstSegment + s) * SumVectors * TLanes.Count);
                float* given = gradient + (k * block) + (s * segment), target = values + (k * block) + (s * segment);
                if (map.Gates != null)
                {
                    PendingSweeps<TLanes, TVector>.GateBackward<TActivation>(
                        raw + (s * segment), given, chunk.SegmentPixels, map.Scale + at, map.Shift + at,
                        map.Gate(k, chunk.Image + s, TLanes.Count), result + (s * segment), target, record);
                    continue;
                }

                PendingSweeps<TLanes, TVector>.Backward<TActivation>(
                    raw + (s * segment), given, chunk.SegmentPixels, map.Scale + at, map.Shift + at, map.Mean + (k * TLanes.Count),
                    result + (s * segment), target, record);
            }
        }
    }
}

/// <summary>A tensor, [N, C, H, W].</summary>
/// <param name="tensor">Its values.</param>
/// <param name="channels">C.</param>
/// <param name="gradient">Where its gradient goes; null where none is wanted.</param>
/// <param name="blockedGradient">Where it goes instead, if that is there.</param>
/// <param name="added">What is added to it, if that is there.</param>
internal readonly unsafe struct TensorPanel(float* tensor, int channels, float* gradient, BlockedMap blockedGradient, BlockedMap added)
    : IInputPanel
{
    public bool HasGradient => gradient != null || blockedGradient.IsThere;

    public void Fill<TLanes, TVector>(in PixelChunk chunk, float* values, nint block)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        for (var k = 0; k < BlockedMap.Blocks(channels, TLanes.Count); k++)
        {
            for (var s = 0; s < chunk.Segments; s++)
            {
                Reorder<TLanes, TVector>.ToBlocked(
                    tensor + Planes(chunk, k * TLanes.Count, s), chunk.Plane, Math.Min(TLanes.Count, channels - (k * TLanes.Count)),
                    chunk.SegmentPixels, values + (k * block) + ((nint)s * chunk.SegmentPixels * TLanes.Count));
            }
        }
    }

    public void Backward<TLanes, TVector>(in PixelChunk chunk, float* gradient, float* values, nint block)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        Fill<TLanes, TVector>(chunk, values, block);
        if (HasGradient) Store<TLanes, TVector>(chunk, gradient, block);
    }

    /// <summary>Takes a chunk's gradient, which it may overwrite.</summary>
    public void Store<TLanes, TVector>(in PixelChunk chunk, float* gradient, nint block)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        for (var k = 0; k < BlockedMap.Blocks(channels, TLanes.Count); k++)
        {
            var source = gradient + (k * block);
            if (added.IsThere) PendingSweeps<TLanes, TVector>.Add(added.At(k, chunk.First, TLanes.Count), chunk.Pixels, source);
            if (blockedGradient.IsThere)
            {
                VectorMemory<TLanes, TVector>.Copy(
                    source, blockedGradient.At(k, chunk.First, TLanes.Count), chunk.Pixels * TLanes.Count);
                continue;
            }

            for (var s = 0; s < chunk.Segments; s++) Write<TLanes, TVector>(chunk, k * TLanes.Count, s, source);
        }
    }

    private void Write<TLanes, TVector>(in PixelChunk chunk, int channel, int segment, float* source)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => Reorder<TLanes, TVector>.ToPlanes(
            source + ((nint)segment * chunk.SegmentPixels * TLanes.Count), chunk.SegmentPixels, gradient + Planes(chunk, channel, segment),
            chunk.Plane, Math.Min(TLanes.Count, channels - channel));

    private nint Planes(in PixelChunk chunk, int channel, int segment) =>
        ((((nint)(chunk.Image + segment) * channels) + channel) * chunk.Plane) + chunk.Offset;
}
