namespace XSepConv.Kernels;

/// <summary>Memory of squeeze-excite's backward.</summary>
internal readonly unsafe struct SqueezeExciteWork<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public SqueezeExciteWork(ref ScratchLayout layout, int channels, int squeezed, int images, in PixelChunks chunks)
    {
        Gate = BlockedMap.Take(ref layout, channels, images);
        Middle = BlockedMap.Take(ref layout, squeezed, images);
        Pooled = BlockedMap.Take(ref layout, channels, images);
        Sums = layout.Vectors(2L * images * BlockedMap.Blocks(Math.Max(channels, squeezed), TLanes.Count));
        SqueezeSums = new(ref layout, channels, squeezed, chunks);
        ExciteSums = new(ref layout, squeezed, channels, chunks);
    }

    /// <summary>Gradients: of the gate's norm's result, of the squeezed one's, and of the means.</summary>
    public BlockedMap Gate { get; }

    public BlockedMap Middle { get; }

    public BlockedMap Pooled { get; }

    /// <summary>Two vectors a block and image.</summary>
    public float* Sums { get; }

    public PointwiseSums SqueezeSums { get; }

    public PointwiseSums ExciteSums { get; }
}
