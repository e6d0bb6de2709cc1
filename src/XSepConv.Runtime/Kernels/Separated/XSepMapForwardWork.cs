using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// Training's XSepConv, with its 2×2 or without, from a pending map to a raw one, whose norm is still to be applied. Items are blocks of
/// channels: one goes through all of its convolutions without leaving the cache.
/// </summary>
/// <remarks>TSource is the source's activation; without a 2×2 it is the others'.</remarks>
internal unsafe struct XSepMapForwardWork<TLanes, TVector, TActivation, TSource> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
    where TSource : struct, IActivation
{
    public XSepStageShape Shape;
    public XSepStageParameters Parameters;
    public MapNorm SourceNorm;
    public BlockedMap Source;
    public BlockedMap Output;

    /// <summary>Written where the statistics are the batch's.</summary>
    public XSepMapNorms Norms;

    /// <summary>Each image's mean of the result, [block][image][lane]; null where it is not wanted.</summary>
    public float* ImageMeans;

    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var buffers = new Buffers(ref layout, Shape);
        if (!layout.HasMemory) return;
        for (var k = first; k < end; k++)
        {
            var item = MapItems.Of<TLanes, TVector>(Shape.Batch, Shape.Channels, k);
            buffers.Lanes.Pack(item, Parameters, Shape.Kernel);
            buffers.Horizontal.Pack();
            buffers.Vertical.Pack();
            BlockNorms<TLanes, TVector>.Load(SourceNorm, k, buffers.SourceNorm);
            if (!Shape.SkipsTwoByTwo)
            {
                TwoByTwo(k, buffers);
                Finish(item, k, buffers, Shape.Plane, buffers.Lanes.First, Parameters.First, Norms.First);
            }

            Horizontal(k, buffers);
            Finish(item, k, buffers, Shape.MiddlePlane, buffers.Lanes.Second, Parameters.Second, Norms.Second);
            Vertical(k, buffers);
            Finish(item, k, buffers, Shape.OutputPlane, buffers.Lanes.Third, Parameters.Third, Norms.Third, ImageMeans);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void TwoByTwo(int block, in Buffers b)
    {
        for (var image = 0; image < Shape.Batch; image++)
        {
            var values = Values(b, block, image);
            NormPasses<TLanes, TVector>.NormaliseAndActivate<TSource>(
                Source.At(block, (nint)image * Shape.InputPlane, TLanes.Count), b.SourceNorm, 1, Shape.InputPlane, b.TwoByTwo.Source, 0);
            b.TwoByTwo.Forward(block, b.Lanes.TwoByTwo, values, b.Sum);
            Measure(b, image, values, Shape.Plane, Parameters.First.Frozen);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Horizontal(int block, in Buffers b)
    {
        var norm = Shape.SkipsTwoByTwo ? b.SourceNorm : b.Lanes.First;
        for (var image = 0; image < Shape.Batch; image++)
        {
            var values = Values(b, block, image);
            var given = Shape.SkipsTwoByTwo ? Source.At(block, (nint)image * Shape.Plane, TLanes.Count) : values;
            b.Horizontal.Forward(given, values, norm, b.Sum);
            Measure(b, image, values, Shape.MiddlePlane, Parameters.Second.Frozen);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Vertical(int block, in Buffers b)
    {
        for (var image = 0; image < Shape.Batch; image++)
        {
            var values = Values(b, block, image);
            var result = Output.At(block, (nint)image * Shape.OutputPlane, TLanes.Count);
            b.Vertical.Forward(values, result, b.Lanes.Second, b.Sum);
            Measure(b, image, result, Shape.OutputPlane, Parameters.Third.Frozen && ImageMeans == null);
        }
    }

    // At stride 1 the maps in between lie where the result will.
    private readonly float* Values(in Buffers b, int block, int image) => Shape.Stride == 1
        ? Output.At(block, (nint)image * Shape.Plane, TLanes.Count) : b.Values + ((nint)image * Shape.Plane * TLanes.Count);

    private static void Measure(in Buffers b, int image, float* values, int count, bool isKnown)
    {
        if (isKnown) return;
        NormStatistics<TLanes, TVector>.Measure(values, count, b.Sum, MapItems.Record<TLanes, TVector>(b.Records, image));
    }

    private static void Finish(
        in ItemLanes item, int block, in Buffers b, int count, in NormLanes norm, in BatchNormParameters parameters, in MapNorm map,
        float* means = null) =>
        MapItems.Finish<TLanes, TVector>(item, block, b.Records, count, norm, parameters, map, means);

    private readonly struct Buffers
    {
        public readonly XSepLanes<TLanes, TVector> Lanes;
        public readonly NormLanes SourceNorm;
        public readonly MixedTwoByTwo<TLanes, TVector> TwoByTwo;
        public readonly float* Records;
        public readonly float* Sum;
        public readonly float* Values;
        public readonly SeparatedLine<TLanes, TVector, TActivation> Horizontal;
        public readonly SeparatedLine<TLanes, TVector, TActivation> Vertical;

        public Buffers(ref ScratchLayout layout, in XSepStageShape shape)
        {
            Lanes = new XSepLanes<TLanes, TVector>(ref layout, shape.Kernel);
            SourceNorm = new NormLanes(ref layout);
            if (!shape.SkipsTwoByTwo) TwoByTwo = new(ref layout, shape, hasBackward: false);
            Records = layout.Vectors((long)shape.Batch * NormStatistics<TLanes, TVector>.RecordVectors);
            Sum = layout.Vectors(1);
            Values = shape.Stride == 1 ? null : layout.Vectors((long)shape.Plane * shape.Batch);
            Horizontal = new(ref layout, shape, down: false, Lanes.Horizontal, hasBackward: false);
            Vertical = new(ref layout, shape, down: true, Lanes.Vertical, hasBackward: false);
        }
    }
}

/// <summary>The norms after 2×2, 1×K and K×1.</summary>
internal struct XSepMapNorms
{
    public MapNorm First;
    public MapNorm Second;
    public MapNorm Third;
}
