using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// Training's backward: recomputes one item's forward from the input, and walks back through it, without leaving the cache.
/// </summary>
/// <remarks>
/// Four passes over the item's groups, since the gradient before a batch normalisation needs two sums over the whole channel. The results
/// of the convolutions stay from the first pass; what the nonlinearities gave is recomputed in registers.
/// </remarks>
internal unsafe struct XSepBackwardWork<TLanes, TVector, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    // Loops over a group's vectors that prefetch.
    private const int PrefetchLoops = 5;

    public XSepStageShape Shape;
    public XSepStageParameters Parameters;
    public XSepStageStatistics Statistics;
    public XSepStageGradients Gradients;
    public PlaneGroups Groups;
    public float* Input;
    public float* OutputGradient;
    public bool Frozen;

    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var buffers = new Buffers(ref layout, Shape, Groups);
        if (!layout.HasMemory) return;
        if (Shape.Stride == 1) FillOffsets(buffers);
        for (var i = first; i < end; i++)
        {
            var item = new ItemLanes(Groups, Groups.Item(i), Shape.Batch, TLanes.Count);
            var kernel = Shape.Kernel;
            Prepare(item, buffers, kernel);
            Recompute(item, buffers);
            ThroughVertical(item, buffers, kernel);
            ThroughHorizontal(item, buffers, kernel);
            ThroughTwoByTwo(item, buffers);
            Write(item, buffers, kernel);
        }
    }

    private readonly void Prepare(in ItemLanes item, in Buffers b, int kernel)
    {
        b.Lanes.Pack(item, Parameters, kernel);
        b.Horizontal.Pack();
        b.Vertical.Pack();

        Prepare(item, Statistics.First, b.Lanes.First);
        Prepare(item, Statistics.Second, b.Lanes.Second);
        Prepare(item, Statistics.Third, b.Lanes.Third);
        new Span<float>(b.Totals, b.TotalVectors * TLanes.Count).Clear();
    }

    private static void Prepare(in ItemLanes item, in BatchNormStatistics statistics, in NormLanes norm)
    {
        item.Pack<TLanes, TVector>(statistics.Mean, 1, norm.Mean);
        item.Pack<TLanes, TVector>(statistics.InverseStd, 1, norm.InverseStd);
        NormStatistics<TLanes, TVector>.Scale(norm);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Recompute(in ItemLanes item, in Buffers b)
    {
        var lanes = TLanes.Count;
        int height = Shape.Height, width = Shape.Width;
        var edge = Shape.Prepadded ? 0 : item.Item.Padding.IsLeft() ? -1 : 1;
        for (var g = 0; g < item.Groups; g++)
        {
            var values = b.Group(g);
            var planes = item.Planes(g, Shape.InputPlane);
            Reorder<TLanes, TVector>.ToBlocked(Input + planes.Offset, planes.Stride, planes.Valid, Shape.InputPlane, values.Input);
            if (Shape.Prepadded) IndirectionBuffer.Dense(b.InputRows, values.Input, (nint)Shape.InputWidth * lanes, height + 1);
            else IndirectionBuffer.PadOneSide(b.InputRows, values.Input, (nint)width * lanes, height, item.Item.Padding.IsTop(), b.Zeros);
            TwoByTwo<TLanes, TVector>.Forward<MeasuredFinish>(
                b.InputRows, height, width, edge, b.Lanes.TwoByTwo, values.First, (nint)width * lanes, b.Partial,
                PrefetchOf(item, g, b, 0));
            b.Horizontal.Forward(values.First, values.Second, b.Lanes.First, b.Partial, PrefetchOf(item, g, b, 1));
            b.Vertical.Forward(values.Second, values.Third, b.Lanes.Second, b.Partial, PrefetchOf(item, g, b, 2));
            planes = item.Planes(g, Shape.OutputPlane);
            Reorder<TLanes, TVector>.ToBlocked(OutputGradient + planes.Offset, planes.Stride, planes.Valid, Shape.OutputPlane,
                values.Gradient);
            if (Shape.ActivateOutput)
            {
                PendingSweeps<TLanes, TVector>.ActivationBackward<TActivation>(
                    values.Third, values.Gradient, Shape.OutputPlane, b.Lanes.Third, b.Partial);
            }
            else
            {
                PendingSweeps<TLanes, TVector>.ActivationBackward<IdentityActivation>(
                    values.Third, values.Gradient, Shape.OutputPlane, b.Lanes.Third, b.Partial);
            }

            item.Accumulate<TLanes, TVector>(b.Partial, b.ThirdSums, 2, g);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ThroughVertical(in ItemLanes item, in Buffers b, int kernel)
    {
        NormStatistics<TLanes, TVector>.GradientCoefficients(item, b.ThirdSums, (long)Shape.Batch * Shape.OutputPlane, b.Lanes.Third,
            Frozen);
        for (var g = 0; g < item.Groups; g++)
        {
            var values = b.Group(g);
            b.Vertical.Backward(values.Gradient, values.Third, b.Lanes.Third, values.Second, values.Third, b.Lanes.Second,
                b.Partial, PrefetchOf(item, g, b, 3));
            item.Accumulate<TLanes, TVector>(b.Partial, b.SecondSums, 2 + kernel, g);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ThroughHorizontal(in ItemLanes item, in Buffers b, int kernel)
    {
        NormStatistics<TLanes, TVector>.GradientCoefficients(item, b.SecondSums, (long)Shape.Batch * Shape.MiddlePlane, b.Lanes.Second,
            Frozen);
        for (var g = 0; g < item.Groups; g++)
        {
            var values = b.Group(g);
            b.Horizontal.Backward(values.Third, values.Second, b.Lanes.Second, values.First, values.Gradient, b.Lanes.First,
                b.Partial, PrefetchOf(item, g, b, 4));
            item.Accumulate<TLanes, TVector>(b.Partial, b.FirstSums, 2 + kernel, g);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ThroughTwoByTwo(in ItemLanes item, in Buffers b)
    {
        var lanes = TLanes.Count;
        int height = Shape.Height, width = Shape.Width;
        var framedRow = (nint)(width + 2) * lanes;
        int top = Shape.Prepadded || !item.Item.Padding.IsTop() ? 0 : 1, left = Shape.Prepadded || !item.Item.Padding.IsLeft() ? 0 : 1;
        NormStatistics<TLanes, TVector>.GradientCoefficients(item, b.FirstSums, (long)Shape.Batch * height * width, b.Lanes.First, Frozen);
        for (var g = 0; g < item.Groups; g++)
        {
            var values = b.Group(g);
            NormPasses<TLanes, TVector>.NormBackward(values.Gradient, values.First, b.Lanes.First, height, width,
                b.Framed + framedRow + lanes, framedRow);
            TwoByTwo<TLanes, TVector>.Backward(
                b.Framed + ((top + 1) * framedRow) + ((left + 1) * lanes), framedRow, values.Input, Shape.InputHeight, Shape.InputWidth,
                b.Lanes.TwoByTwo, b.Plane, b.Partial);
            item.Accumulate<TLanes, TVector>(b.Partial, b.TwoByTwoTotals, 4, g);
            var planes = item.Planes(g, Shape.InputPlane);
            Reorder<TLanes, TVector>.ToPlanes(b.Plane, Shape.InputPlane, Gradients.Input + planes.Offset, planes.Stride, planes.Valid);
        }
    }

    // Input and gradient of the next item, and this one's result, while convolutions are recomputed and normalisations undone.
    private readonly void FillOffsets(in Buffers b)
    {
        var next = Groups.NextItem(Shape.InputPlane);
        ReadOnlySpan<nint> tensors = Shape.InputPlane == Shape.OutputPlane
            ? [next, (nint)(OutputGradient - Input) + next, (nint)(Gradients.Input - Input)] : [next, (nint)(Gradients.Input - Input)];
        Prefetch.FillOffsets(b.Offsets, PrefetchLoops * Shape.Plane, Shape.InputPlane, Groups.PlaneStride(Shape.InputPlane), TLanes.Count,
            tensors);
    }

    private readonly Prefetch PrefetchOf(in ItemLanes item, int group, in Buffers b, int slot) =>
        Shape.Stride == 1 ? new Prefetch(Input + item.Planes(group, Shape.InputPlane).Offset, b.Offsets).After((nint)slot * Shape.Plane)
            : default;

    private readonly void Write(in ItemLanes item, in Buffers b, int kernel)
    {
        var lanes = TLanes.Count;
        Reduce(item, b.TwoByTwoTotals, 4);
        Reduce(item, b.SecondSums + (2 * lanes), kernel);
        Reduce(item, b.FirstSums + (2 * lanes), kernel);
        item.Unpack(b.TwoByTwoTotals, 4, Gradients.TwoByTwo);
        item.Unpack(b.FirstSums + (2 * lanes), kernel, Gradients.Horizontal);
        item.Unpack(b.SecondSums + (2 * lanes), kernel, Gradients.Vertical);
        item.Unpack(b.FirstSums, Gradients.First);
        item.Unpack(b.SecondSums, Gradients.Second);
        item.Unpack(b.ThirdSums, Gradients.Third);
    }

    private static void Reduce(in ItemLanes item, float* totals, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var total = totals + (i * TLanes.Count);
            TLanes.Store(total, item.Reduced<TLanes, TVector>(TLanes.Load(total)));
        }
    }

    /// <summary>
    /// One group's planes: the input, what each convolution gave, and the gradient. The last two change their meaning on the way back.
    /// </summary>
    private readonly struct GroupPlanes(float* memory, nint input, nint plane)
    {
        public float* Input => memory;

        public float* First => memory + input;

        public float* Second => memory + input + plane;

        public float* Third => memory + input + (2 * plane);

        public float* Gradient => memory + input + (3 * plane);
    }

    private readonly struct Buffers
    {
        public readonly XSepLanes<TLanes, TVector> Lanes;
        public readonly float* Plane;
        public readonly float* Zeros;
        public readonly float* Framed;
        public readonly float* Partial;
        public readonly float* Totals;
        public readonly int TotalVectors;
        public readonly float* FirstSums;
        public readonly float* SecondSums;
        public readonly float* ThirdSums;
        public readonly float* TwoByTwoTotals;
        public readonly float** InputRows;
        public readonly nint* Offsets;
        public readonly SeparatedLine<TLanes, TVector, TActivation> Horizontal;
        public readonly SeparatedLine<TLanes, TVector, TActivation> Vertical;
        private readonly float* _values;
        private readonly nint _input;
        private readonly nint _plane;

        public Buffers(ref ScratchLayout layout, in XSepStageShape shape, in PlaneGroups groups)
        {
            var lanes = TLanes.Count;
            var plane = shape.Height * shape.Width;
            Lanes = new XSepLanes<TLanes, TVector>(ref layout, shape.Kernel);
            Zeros = layout.Zeros(shape.InputWidth);
            Framed = layout.Zeros((long)(shape.Height + 2) * (shape.Width + 2));
            Plane = layout.Vectors(shape.InputPlane);
            Partial = layout.Vectors(4 + shape.Kernel);
            TotalVectors = 6 + (2 * shape.Kernel) + 4;
            Totals = layout.Vectors(TotalVectors);
            FirstSums = Totals;
            SecondSums = FirstSums + ((2 + shape.Kernel) * lanes);
            ThirdSums = SecondSums + ((2 + shape.Kernel) * lanes);
            TwoByTwoTotals = ThirdSums + (2 * lanes);
            InputRows = layout.Rows(shape.Height + 1);
            Offsets = layout.Offsets(PrefetchLoops * shape.Plane);
            _input = (nint)shape.InputPlane * lanes;
            _plane = (nint)plane * lanes;
            _values = layout.Vectors((shape.InputPlane + (4L * plane)) * groups.GroupsPerItem);
            Horizontal = new(ref layout, shape, down: false, Lanes.Horizontal, hasBackward: true);
            Vertical = new(ref layout, shape, down: true, Lanes.Vertical, hasBackward: true);
        }

        public readonly GroupPlanes Group(int group) => new(_values + (group * (_input + (4 * _plane))), _input, _plane);
    }
}
