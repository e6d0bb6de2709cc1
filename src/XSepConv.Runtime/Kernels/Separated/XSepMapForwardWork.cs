using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// Training's XSepConv from a pending map to a raw one, whose norm is still to be applied. Items are blocks of channels: one goes through
/// all three convolutions without leaving the cache.
/// </summary>
internal unsafe struct XSepMapForwardWork<TLanes, TVector, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    public XSepStageShape Shape;
    public XSepStageParameters Parameters;
    public MapNorm SourceNorm;
    public BlockedMap Source;
    public BlockedMap Output;

    /// <summary>Written where the statistics are the batch's.</summary>
    public XSepMapNorms Norms;
    public bool Frozen;

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
            if (!NormSweeps<TLanes, TVector, TActivation>.Fit(Shape))
            {
                buffers.Across.Pack(buffers.Lanes.Horizontal);
                buffers.Down.Pack(buffers.Lanes.Vertical);
            }

            BlockNorms<TLanes, TVector>.Load(SourceNorm, k, buffers.SourceNorm);
            TwoByTwo(k, buffers);
            Finish(item, k, buffers, Shape.Plane, buffers.Lanes.First, Parameters.First, Norms.First);
            Horizontal(k, buffers);
            Finish(item, k, buffers, Shape.MiddlePlane, buffers.Lanes.Second, Parameters.Second, Norms.Second);
            Vertical(k, buffers);
            Finish(item, k, buffers, Shape.OutputPlane, buffers.Lanes.Third, Parameters.Third, Norms.Third, ImageMeans);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void TwoByTwo(int block, in Buffers b)
    {
        int height = Shape.Height, width = Shape.Width;
        var row = (nint)width * TLanes.Count;
        IndirectionBuffer.PadOneSide(b.Rows, b.Plane, row, height, Shape.Padding.IsTop(), b.Zeros);
        for (var image = 0; image < Shape.Batch; image++)
        {
            var values = Values(b, block, image);
            NormPasses<TLanes, TVector>.NormaliseAndActivate<TActivation>(
                Source.At(block, (nint)image * Shape.Plane, TLanes.Count), b.SourceNorm, height, width, b.Plane, row);
            TwoByTwo<TLanes, TVector>.Forward<MeasuredFinish>(
                b.Rows, height, width, Shape.Padding.IsLeft() ? -1 : 1, b.Lanes.TwoByTwo, values, row, b.Sum);
            Measure(b, image, values, Shape.Plane, Frozen);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Horizontal(int block, in Buffers b)
    {
        int height = Shape.Height, width = Shape.Width;
        var sweeps = NormSweeps<TLanes, TVector, TActivation>.Fit(Shape);
        for (var image = 0; image < Shape.Batch; image++)
        {
            var values = Values(b, block, image);
            if (sweeps)
            {
                NormSweeps<TLanes, TVector, TActivation>.Across(
                    Shape.Kernel, new(values, values, height, width, b.Lanes.First, b.Lanes.Horizontal, b.Sum, Prefetch.None));
            }
            else
            {
                b.Across.Forward<TActivation>(
                    values, Lines.Rows(height, width, TLanes.Count), values, Lines.Rows(height, Shape.OutputWidth, TLanes.Count),
                    b.Lanes.First, b.Sum, Prefetch.None);
            }

            Measure(b, image, values, Shape.MiddlePlane, Frozen);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Vertical(int block, in Buffers b)
    {
        int height = Shape.Height, middle = Shape.OutputWidth;
        var columns = Lines.Columns(middle, TLanes.Count);
        var sweeps = NormSweeps<TLanes, TVector, TActivation>.Fit(Shape);
        for (var image = 0; image < Shape.Batch; image++)
        {
            var values = Values(b, block, image);
            var result = Output.At(block, (nint)image * Shape.OutputPlane, TLanes.Count);
            if (sweeps)
            {
                NormSweeps<TLanes, TVector, TActivation>.Down(
                    Shape.Kernel, new(values, result, height, middle, b.Lanes.Second, b.Lanes.Vertical, b.Sum, Prefetch.None));
            }
            else
            {
                b.Down.Forward<TActivation>(values, columns, result, columns, b.Lanes.Second, b.Sum, Prefetch.None);
            }

            Measure(b, image, result, Shape.OutputPlane, Frozen && ImageMeans == null);
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

    private readonly void Finish(
        in ItemLanes item, int block, in Buffers b, int count, in NormLanes norm, in BatchNormParameters parameters, in MapNorm map,
        float* means = null) =>
        MapItems.Finish<TLanes, TVector>(item, block, b.Records, count, norm, Frozen, parameters.Epsilon, map, means);

    private readonly struct Buffers
    {
        public readonly XSepLanes<TLanes, TVector> Lanes;
        public readonly NormLanes SourceNorm;
        public readonly float* Plane;
        public readonly float* Zeros;
        public readonly float* Records;
        public readonly float* Sum;
        public readonly float** Rows;
        public readonly float* Values;
        public readonly LineConvolution<TLanes, TVector> Across;
        public readonly LineConvolution<TLanes, TVector> Down;

        public Buffers(ref ScratchLayout layout, in XSepStageShape shape)
        {
            Lanes = new XSepLanes<TLanes, TVector>(ref layout, shape.Kernel);
            SourceNorm = new NormLanes(ref layout);
            Zeros = layout.Zeros(shape.Width);
            Plane = layout.Vectors(shape.Plane);
            Records = layout.Vectors((long)shape.Batch * NormStatistics<TLanes, TVector>.RecordVectors);
            Sum = layout.Vectors(1);
            Rows = layout.Rows(shape.Height + 1);
            Values = shape.Stride == 1 ? null : layout.Vectors((long)shape.Plane * shape.Batch);
            if (NormSweeps<TLanes, TVector, TActivation>.Fit(shape)) return;
            Across = new(ref layout, shape.Width, shape.Kernel, shape.Stride, hasBackward: false);
            Down = new(ref layout, shape.Height, shape.Kernel, shape.Stride, hasBackward: false);
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
