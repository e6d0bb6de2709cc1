using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Each image's mean of a pending map's activated values, for gates after them. Items are blocks of channels.</summary>
internal unsafe struct ActivatedMeanWork<TLanes, TVector, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    public PendingMap Map;

    /// <summary>[block][image][lane].</summary>
    public float* Means;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        const int Piece = 128;
        var values = layout.Vectors(Piece);
        var lost = layout.Vectors(1);
        if (!layout.HasMemory) return;
        for (var k = first; k < end; k++)
        {
            for (var image = 0; image < Map.Images; image++)
            {
                var at = Map.Coefficients(k, image);
                var mean = Means + ((((nint)k * Map.Images) + image) * TLanes.Count);
                TLanes.Store(mean, TLanes.Splat(0));
                TLanes.Store(lost, TLanes.Splat(0));
                for (var pixel = 0; pixel < Map.Plane; pixel += Piece)
                {
                    var count = Math.Min(Piece, Map.Plane - pixel);
                    PendingSweeps<TLanes, TVector>.Activate<TActivation>(
                        Map.Raw.At(k, ((nint)image * Map.Plane) + pixel, TLanes.Count), count, Map.Scale + at, Map.Shift + at, values);
                    VectorSums<TLanes, TVector>.AddTo(mean, lost, values, count);
                }

                VectorSums<TLanes, TVector>.Scale(mean, 1f / Map.Plane);
            }
        }
    }
}

/// <summary>
/// Backward of gates after the activation: from the gated values' gradient to that before the activation, in place, and its sums for the
/// norm. Items are chunks.
/// </summary>
internal unsafe struct GateGradientWork<TLanes, TVector, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    public PixelChunks Chunks;
    public PendingMap Map;

    /// <summary>The gradient of the images' means, a pixel for each.</summary>
    public BlockedMap Means;

    /// <summary>[block][segment], two vectors each: of the result, and of result · (raw − mean).</summary>
    public float* Sums;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        if (!layout.HasMemory) return;
        var lanes = TLanes.Count;
        var share = TLanes.Splat(1f / Map.Plane);
        for (var i = first; i < end; i++)
        {
            var chunk = Chunks[i];
            for (var k = 0; k < BlockedMap.Blocks(Map.Channels, lanes); k++)
            {
                for (var s = 0; s < chunk.Segments; s++)
                {
                    var image = chunk.Image + s;
                    var at = Map.Coefficients(k, image);
                    var pixel = chunk.First + ((nint)s * chunk.SegmentPixels);
                    var gradient = Map.Gradient.At(k, pixel, lanes);
                    PendingSweeps<TLanes, TVector>.Scale(
                        gradient, chunk.SegmentPixels, TLanes.Load(Map.Gate(k, image, lanes)),
                        TLanes.Multiply(TLanes.Load(Means.At(k, image, lanes)), share));
                    PendingSweeps<TLanes, TVector>.ActivationBackward<TActivation>(
                        Map.Raw.At(k, pixel, lanes), gradient, chunk.SegmentPixels, Map.Scale + at, Map.Shift + at,
                        Map.Mean + (k * lanes), Sums + ((((nint)k * Chunks.Segments) + chunk.FirstSegment + s) * 2 * lanes));
                }
            }
        }
    }
}
