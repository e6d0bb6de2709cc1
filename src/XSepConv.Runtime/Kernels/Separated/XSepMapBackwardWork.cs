using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// Backward of <see cref="XSepMapForwardWork{TLanes, TVector, TActivation, TSource}"/>: from the gradient of the raw result to that before
/// the source's activation, and to the gradients of the source's norm. The maps in between are made again. Items are blocks of channels.
/// </summary>
internal unsafe struct XSepMapBackwardWork<TLanes, TVector, TActivation, TSource> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
    where TSource : struct, IActivation
{
    public XSepStageShape Shape;
    public XSepStageParameters Parameters;

    /// <summary>Its coefficients of backward are written.</summary>
    public MapNorm SourceNorm;
    public BlockedMap Source;

    /// <summary>Written; at stride 1 it may be the output's gradient.</summary>
    public BlockedMap SourceGradient;
    public bool SourceFrozen;
    public BatchNormGradients SourceGradients;

    public XSepMapNorms Norms;

    /// <summary>Its gradient's memory is used.</summary>
    public PendingMap Output;

    /// <summary>All but the input's and the third norm's are written.</summary>
    public XSepStageGradients Gradients;

    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var buffers = new XSepMapBuffers<TLanes, TVector, TActivation>(ref layout, Shape);
        if (!layout.HasMemory) return;
        for (var k = first; k < end; k++)
        {
            var item = MapItems.Of<TLanes, TVector>(Shape.Batch, Shape.Channels, k);
            Prepare(item, k, buffers);
            Recompute(k, buffers);
            ThroughVertical(item, k, buffers);
            ThroughHorizontal(item, k, buffers);
            if (!Shape.SkipsTwoByTwo) ThroughTwoByTwo(item, k, buffers);
            BlockNorms<TLanes, TVector>.StoreGradient(buffers.SourceNorm, SourceNorm, k);
            Write(item, k, buffers);
        }
    }

    private readonly void Prepare(in ItemLanes item, int block, in XSepMapBuffers<TLanes, TVector, TActivation> b)
    {
        b.Lanes.Pack(item, Parameters, Shape.Kernel);
        b.Horizontal.Pack();
        b.Vertical.Pack();
        BlockNorms<TLanes, TVector>.Load(SourceNorm, block, b.SourceNorm);
        if (!Shape.SkipsTwoByTwo) BlockNorms<TLanes, TVector>.Load(Norms.First, block, b.Lanes.First);
        BlockNorms<TLanes, TVector>.Load(Norms.Second, block, b.Lanes.Second);
        new Span<float>(b.Totals, b.TotalVectors * TLanes.Count).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Recompute(int block, in XSepMapBuffers<TLanes, TVector, TActivation> b)
    {
        var norm = Before(b);
        for (var image = 0; image < Shape.Batch; image++)
        {
            var given = Given(block, image, b);
            if (!Shape.SkipsTwoByTwo)
            {
                NormPasses<TLanes, TVector>.NormaliseAndActivate<TSource>(
                    Raw(block, image), b.SourceNorm, 1, Shape.InputPlane, b.TwoByTwo.Source, 0);
                b.TwoByTwo.Forward(block, b.Lanes.TwoByTwo, given, b.Partial);
            }

            b.Horizontal.Forward(given, b.Second(image), norm, b.Partial);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ThroughVertical(in ItemLanes item, int block, in XSepMapBuffers<TLanes, TVector, TActivation> b)
    {
        for (var image = 0; image < Shape.Batch; image++)
        {
            var result = Output.Raw.At(block, (nint)image * Shape.OutputPlane, TLanes.Count);
            var gradient = Output.Gradient.At(block, (nint)image * Shape.OutputPlane, TLanes.Count);
            BlockNorms<TLanes, TVector>.LoadGradient(Output, block, image, b.Lanes.Third);
            b.Vertical.Backward(gradient, result, b.Lanes.Third, b.Second(image), b.Gradient(image), b.Lanes.Second, b.Partial);
            item.Accumulate<TLanes, TVector>(b.Partial, b.SecondSums, 2 + Shape.Kernel, image);
        }

        NormStatistics<TLanes, TVector>.GradientCoefficients(
            item, b.SecondSums, (long)Shape.Batch * Shape.MiddlePlane, b.Lanes.Second, Parameters.Second.Frozen);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ThroughHorizontal(in ItemLanes item, int block, in XSepMapBuffers<TLanes, TVector, TActivation> b)
    {
        var norm = Before(b);
        for (var image = 0; image < Shape.Batch; image++)
        {
            var target = Shape.SkipsTwoByTwo ? SourceGradient.At(block, (nint)image * Shape.Plane, TLanes.Count) : b.FirstGradient(image);
            b.Horizontal.Backward(
                b.Gradient(image), b.Second(image), b.Lanes.Second, Given(block, image, b), target, norm, b.Partial);
            item.Accumulate<TLanes, TVector>(b.Partial, b.FirstSums, 2 + Shape.Kernel, image);
        }

        NormStatistics<TLanes, TVector>.GradientCoefficients(
            item, b.FirstSums, (long)Shape.Batch * Shape.Plane, norm, Shape.SkipsTwoByTwo ? SourceFrozen : Parameters.First.Frozen);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ThroughTwoByTwo(in ItemLanes item, int block, in XSepMapBuffers<TLanes, TVector, TActivation> b)
    {
        for (var image = 0; image < Shape.Batch; image++)
        {
            var raw = Raw(block, image);
            var result = SourceGradient.At(block, (nint)image * Shape.InputPlane, TLanes.Count);
            NormPasses<TLanes, TVector>.NormBackward(
                b.FirstGradient(image), b.First(image), b.Lanes.First, Shape.Height, Shape.Width, b.TwoByTwo.Gradient,
                b.TwoByTwo.FramedRow);
            NormPasses<TLanes, TVector>.NormaliseAndActivate<TSource>(
                raw, b.SourceNorm, 1, Shape.InputPlane, b.TwoByTwo.Source, 0);
            b.TwoByTwo.Backward(block, b.Lanes.TwoByTwo, result, b.Partial);
            item.Accumulate<TLanes, TVector>(b.Partial, b.TwoByTwoTotals, 4, image);
            PendingSweeps<TLanes, TVector>.ActivationBackward<TSource>(raw, result, Shape.InputPlane, b.SourceNorm, b.Partial);
            item.Accumulate<TLanes, TVector>(b.Partial, b.SourceSums, 2, image);
        }

        NormStatistics<TLanes, TVector>.GradientCoefficients(
            item, b.SourceSums, (long)Shape.Batch * Shape.InputPlane, b.SourceNorm, SourceFrozen);
    }

    private readonly float* Raw(int block, int image) => Source.At(block, (nint)image * Shape.InputPlane, TLanes.Count);

    // What the 1×K's norm is given, and that norm: without a 2×2 they are the source's.
    private readonly float* Given(int block, int image, in XSepMapBuffers<TLanes, TVector, TActivation> b) =>
        Shape.SkipsTwoByTwo ? Raw(block, image) : b.First(image);

    private readonly NormLanes Before(in XSepMapBuffers<TLanes, TVector, TActivation> b) =>
        Shape.SkipsTwoByTwo ? b.SourceNorm : b.Lanes.First;

    private readonly void Write(in ItemLanes item, int block, in XSepMapBuffers<TLanes, TVector, TActivation> b)
    {
        item.Unpack(b.TwoByTwoTotals, 4, Gradients.TwoByTwo);
        item.Unpack(b.FirstSums + (2 * TLanes.Count), Shape.Kernel, Gradients.Horizontal);
        item.Unpack(b.SecondSums + (2 * TLanes.Count), Shape.Kernel, Gradients.Vertical);
        item.Unpack(Shape.SkipsTwoByTwo ? b.FirstSums : b.SourceSums, SourceGradients);
        item.Unpack(b.FirstSums, Gradients.First);
        item.Unpack(b.SecondSums, Gradients.Second);
    }
}

/// <summary>One block of channels in the backward of XSepConv.</summary>
internal readonly unsafe struct XSepMapBuffers<TLanes, TVector, TActivation>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    public readonly XSepLanes<TLanes, TVector> Lanes;
    public readonly NormLanes SourceNorm;
    public readonly MixedTwoByTwo<TLanes, TVector> TwoByTwo;
    public readonly float* Partial;
    public readonly float* Totals;
    public readonly int TotalVectors;
    public readonly float* FirstSums;
    public readonly float* SecondSums;
    public readonly float* SourceSums;
    public readonly float* TwoByTwoTotals;
    public readonly SeparatedLine<TLanes, TVector, TActivation> Horizontal;
    public readonly SeparatedLine<TLanes, TVector, TActivation> Vertical;
    private readonly float* _values;
    private readonly nint _plane;
    private readonly int _planes;

    public XSepMapBuffers(ref ScratchLayout layout, in XSepStageShape shape)
    {
        var lanes = TLanes.Count;
        Lanes = new XSepLanes<TLanes, TVector>(ref layout, shape.Kernel);
        SourceNorm = new NormLanes(ref layout);
        if (!shape.SkipsTwoByTwo) TwoByTwo = new(ref layout, shape, hasBackward: true);
        Partial = layout.Vectors(4 + shape.Kernel);
        TotalVectors = (2 * (2 + shape.Kernel)) + 2 + 4;
        Totals = layout.Vectors(TotalVectors);
        FirstSums = Totals;
        SecondSums = FirstSums + ((2 + shape.Kernel) * lanes);
        SourceSums = SecondSums + ((2 + shape.Kernel) * lanes);
        TwoByTwoTotals = SourceSums + (2 * lanes);
        _plane = (nint)shape.Plane * lanes;
        _planes = shape.Stride == 1 ? 3 : 4;
        _values = layout.Vectors((long)_planes * shape.Plane * shape.Batch);
        Horizontal = new(ref layout, shape, down: false, Lanes.Horizontal, hasBackward: true);
        Vertical = new(ref layout, shape, down: true, Lanes.Vertical, hasBackward: true);
    }

    /// <summary>What the 2×2 gave.</summary>
    public float* First(int image) => _values + (_planes * image * _plane);

    /// <summary>What the 1×K gave.</summary>
    public float* Second(int image) => First(image) + _plane;

    /// <summary>The gradient after the second norm.</summary>
    public float* Gradient(int image) => Second(image) + _plane;

    /// <summary>After the first; at stride 1 it takes the other's place line by line.</summary>
    public float* FirstGradient(int image) => First(image) + ((_planes - 1) * _plane);
}
