using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Training's backward: recomputes one item's forward from the input, and walks back through it, without leaving the cache.</summary>
/// <remarks>
/// Four sweeps over the item's groups, since the gradient before a batch normalisation needs two sums over the whole channel. The results of
/// the convolutions stay from the first sweep; what the nonlinearities gave is recomputed in registers.
/// </remarks>
internal unsafe struct XSepBackwardWork<TLanes, TVector, TKernel, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TKernel : struct, IKernelSize
    where TActivation : struct, IActivation
{
    // Loops over a group's vectors that ask for memory.
    private const int AheadSlots = 5;

    public XSepStageShape Shape;
    public XSepStageParameters Parameters;
    public XSepStageStatistics Statistics;
    public XSepStageGradients Gradients;
    public PlaneGroups Groups;
    public float* Input;
    public float* OutputGradient;
    public bool Frozen;

    public readonly long ScratchFloats
    {
        get
        {
            var layout = new ScratchLayout(null, TLanes.Count);
            _ = new Buffers(ref layout, Shape, Groups);
            return layout.Taken;
        }
    }

    public readonly void Run(int first, int end, float* scratch)
    {
        var layout = new ScratchLayout(scratch, TLanes.Count);
        var buffers = new Buffers(ref layout, Shape, Groups);
        Locate(buffers);
        for (var i = first; i < end; i++)
        {
            var item = new ItemLanes(Groups, Groups.Item(i), Shape.Batch, TLanes.Count);
            var kernel = TKernel.Size == 0 ? Shape.Kernel : TKernel.Size;
            Prepare(item, buffers, kernel);
            Recompute(item, buffers, kernel);
            ThroughVertical(item, buffers, kernel);
            ThroughHorizontal(item, buffers, kernel);
            ThroughTwoByTwo(item, buffers);
            Write(item, buffers, kernel);
        }
    }

    private readonly void Prepare(in ItemLanes item, in Buffers b, int kernel)
    {
        b.Lanes.Spread(item, Parameters, kernel);
        Prepare(item, Statistics.First, b.Lanes.First);
        Prepare(item, Statistics.Second, b.Lanes.Second);
        Prepare(item, Statistics.Third, b.Lanes.Third);
        new Span<float>(b.Totals, b.TotalVectors * TLanes.Count).Clear();
    }

    private static void Prepare(in ItemLanes item, in BatchNormStatistics statistics, in NormLanes norm)
    {
        item.Spread<TLanes, TVector>(statistics.Mean, 1, norm.Mean);
        item.Spread<TLanes, TVector>(statistics.InverseStd, 1, norm.InverseStd);
        NormStatistics<TLanes, TVector>.Scale(norm);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Recompute(in ItemLanes item, in Buffers b, int kernel)
    {
        var lanes = TLanes.Count;
        int height = Shape.Height, width = Shape.Width, middle = Shape.OutputWidth, border = kernel / 2;
        var edge = Shape.Prepadded ? 0 : item.Item.Padding.IsLeft() ? -1 : 1;
        var borderedRow = (nint)(width + (2 * border)) * lanes;
        var rowFloats = (nint)middle * lanes;
        var sweeps = NormSweeps<TLanes, TVector, TActivation>.Fit(Shape);
        if (!sweeps) RowTables.Spread(b.TapRows, b.Plane, rowFloats, height, 1, height, border, b.Zeros);
        for (var g = 0; g < item.Groups; g++)
        {
            var values = b.Group(g);
            var planes = item.Planes(g, Shape.InputPlane);
            PlaneBlocks<TLanes, TVector>.Load(Input + planes.Offset, planes.Stride, planes.Valid, Shape.InputPlane, values.Input);
            if (Shape.Prepadded) RowTables.Plain(b.InputRows, values.Input, (nint)Shape.InputWidth * lanes, height + 1);
            else RowTables.OneSided(b.InputRows, values.Input, (nint)width * lanes, height, item.Item.Padding.IsTop(), b.Zeros);
            TwoByTwo<TLanes, TVector>.Forward<MeasuredFinish>(
                b.InputRows, height, width, edge, b.Lanes.TwoByTwo, values.First, (nint)width * lanes, b.Partial, Ahead(item, g, b, 0));
            if (sweeps)
            {
                NormSweeps<TLanes, TVector, TActivation>.Across(
                    kernel, new(values.First, values.Second, height, width, b.Lanes.First, b.Lanes.Horizontal, b.Partial, Ahead(item, g, b, 1)));
                NormSweeps<TLanes, TVector, TActivation>.Down(
                    kernel, new(values.Second, values.Third, height, middle, b.Lanes.Second, b.Lanes.Vertical, b.Partial, Ahead(item, g, b, 2)));
            }
            else
            {
                NormPasses<TLanes, TVector>.Activate<TActivation>(values.First, b.Lanes.First, height, width, b.Bordered + (border * lanes), borderedRow, Ahead(item, g, b, 1));
                TapRows<TLanes, TVector, TKernel>.Horizontal<MeasuredFinish>(
                    b.Bordered, borderedRow, height, middle, kernel, Shape.Stride, b.Lanes.Horizontal, values.Second, b.Partial);
                NormPasses<TLanes, TVector>.Activate<TActivation>(values.Second, b.Lanes.Second, height, middle, b.Plane, rowFloats, Ahead(item, g, b, 2));
                TapRows<TLanes, TVector, TKernel>.Vertical<MeasuredFinish>(
                    b.TapRows, Shape.OutputHeight, middle, kernel, Shape.Stride, b.Lanes.Vertical, values.Third, b.Partial);
            }

            planes = item.Planes(g, Shape.OutputPlane);
            PlaneBlocks<TLanes, TVector>.Load(OutputGradient + planes.Offset, planes.Stride, planes.Valid, Shape.OutputPlane, values.Gradient);
            if (Shape.ActivateOutput) NormPasses<TLanes, TVector>.Differentiate<TActivation>(values.Gradient, values.Third, b.Lanes.Third, Shape.OutputPlane, b.Partial);
            else NormPasses<TLanes, TVector>.Differentiate<IdentityActivation>(values.Gradient, values.Third, b.Lanes.Third, Shape.OutputPlane, b.Partial);
            item.Accumulate<TLanes, TVector>(b.Partial, b.ThirdSums, 2, g);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ThroughVertical(in ItemLanes item, in Buffers b, int kernel)
    {
        int height = Shape.Height, middle = Shape.OutputWidth, border = kernel / 2;
        var rowFloats = (nint)middle * TLanes.Count;
        var sweeps = NormSweeps<TLanes, TVector, TActivation>.Fit(Shape);
        NormStatistics<TLanes, TVector>.GradientCoefficients(item, b.ThirdSums, (long)Shape.Batch * Shape.OutputPlane, b.Lanes.Third, Frozen);
        for (var g = 0; g < item.Groups; g++)
        {
            var values = b.Group(g);
            var ahead = Ahead(item, g, b, 3);
            if (sweeps)
            {
                GradientSweeps<TLanes, TVector, TActivation>.Down(
                    kernel, new(values.Gradient, values.Third, values.Second, values.Third, height, middle, b.Lanes.Third, b.Lanes.Second, b.Lanes.Vertical, b.Partial, ahead));
            }
            else
            {
                NormPasses<TLanes, TVector>.Normalise(values.Gradient, values.Third, b.Lanes.Third, 1, Shape.OutputPlane, values.Gradient, 0, 1, ahead);
                RowTables.Spread(b.TapRows, values.Gradient, rowFloats, Shape.OutputHeight, Shape.Stride, height, border, b.Zeros);
                TapRowsBackward<TLanes, TVector, TKernel, TActivation, VerticalTaps>.Run(
                    b.TapRows, values.Second, b.Lanes.Second, height, middle, kernel, b.Lanes.Vertical, values.Third, b.Partial + (2 * TLanes.Count), b.Partial);
            }

            item.Accumulate<TLanes, TVector>(b.Partial, b.SecondSums, 2 + kernel, g);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ThroughHorizontal(in ItemLanes item, in Buffers b, int kernel)
    {
        var lanes = TLanes.Count;
        int height = Shape.Height, width = Shape.Width, middle = Shape.OutputWidth, border = kernel / 2;
        var spreadRow = (nint)(width + (2 * border)) * lanes;
        var sweeps = NormSweeps<TLanes, TVector, TActivation>.Fit(Shape);
        if (!sweeps) RowTables.Plain(b.TapRows, b.Spread, spreadRow, height);
        NormStatistics<TLanes, TVector>.GradientCoefficients(item, b.SecondSums, (long)Shape.Batch * Shape.MiddlePlane, b.Lanes.Second, Frozen);
        for (var g = 0; g < item.Groups; g++)
        {
            var values = b.Group(g);
            var ahead = Ahead(item, g, b, 4);
            if (sweeps)
            {
                GradientSweeps<TLanes, TVector, TActivation>.Across(
                    kernel, new(values.Third, values.Second, values.First, values.Gradient, height, width, b.Lanes.Second, b.Lanes.First, b.Lanes.Horizontal, b.Partial, ahead));
            }
            else
            {
                NormPasses<TLanes, TVector>.Normalise(
                    values.Third, values.Second, b.Lanes.Second, height, middle, b.Spread + (border * lanes), spreadRow, Shape.Stride, ahead);
                TapRowsBackward<TLanes, TVector, TKernel, TActivation, HorizontalTaps>.Run(
                    b.TapRows, values.First, b.Lanes.First, height, width, kernel, b.Lanes.Horizontal, values.Gradient, b.Partial + (2 * lanes), b.Partial);
            }

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
            NormPasses<TLanes, TVector>.Normalise(values.Gradient, values.First, b.Lanes.First, height, width, b.Framed + framedRow + lanes, framedRow, 1);
            TwoByTwo<TLanes, TVector>.Backward(
                b.Framed + ((top + 1) * framedRow) + ((left + 1) * lanes), framedRow, values.Input, Shape.InputHeight, Shape.InputWidth,
                b.Lanes.TwoByTwo, b.Plane, b.Partial);
            item.Accumulate<TLanes, TVector>(b.Partial, b.TwoByTwoTotals, 4, g);
            var planes = item.Planes(g, Shape.InputPlane);
            PlaneBlocks<TLanes, TVector>.Store(b.Plane, Shape.InputPlane, Gradients.Input + planes.Offset, planes.Stride, planes.Valid);
        }
    }

    // Input and gradient of the next item, and this one's result, while convolutions are recomputed and normalisations undone.
    private readonly void Locate(in Buffers b)
    {
        var next = Groups.NextItem(Shape.InputPlane);
        ReadOnlySpan<nint> tensors = Shape.InputPlane == Shape.OutputPlane
            ? [next, (nint)(OutputGradient - Input) + next, (nint)(Gradients.Input - Input)] : [next, (nint)(Gradients.Input - Input)];
        Kernels.Ahead.Locate(b.Offsets, AheadSlots * Shape.Plane, Shape.InputPlane, Groups.PlaneStride(Shape.InputPlane), TLanes.Count, tensors);
    }

    private readonly Ahead Ahead(in ItemLanes item, int group, in Buffers b, int slot) =>
        new Ahead(Input + item.Planes(group, Shape.InputPlane).Offset, b.Offsets).After((nint)slot * Shape.Plane);

    private readonly void Write(in ItemLanes item, in Buffers b, int kernel)
    {
        var lanes = TLanes.Count;
        Reduce(item, b.TwoByTwoTotals, 4);
        Reduce(item, b.SecondSums + (2 * lanes), kernel);
        Reduce(item, b.FirstSums + (2 * lanes), kernel);
        item.Gather(b.TwoByTwoTotals, 4, Gradients.TwoByTwo);
        item.Gather(b.FirstSums + (2 * lanes), kernel, Gradients.Horizontal);
        item.Gather(b.SecondSums + (2 * lanes), kernel, Gradients.Vertical);
        Write(item, b.FirstSums, Gradients.First);
        Write(item, b.SecondSums, Gradients.Second);
        Write(item, b.ThirdSums, Gradients.Third);
    }

    private static void Write(in ItemLanes item, float* sums, in BatchNormGradients gradients)
    {
        item.Gather(sums, 1, gradients.Bias);
        item.Gather(sums + TLanes.Count, 1, gradients.Weight);
    }

    private static void Reduce(in ItemLanes item, float* totals, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var total = totals + (i * TLanes.Count);
            TLanes.Store(total, item.Reduced<TLanes, TVector>(TLanes.Load(total)));
        }
    }

    /// <summary>One group's planes: the input, what each convolution gave, and the gradient. The last two change their meaning on the way back.</summary>
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
        public readonly float* Bordered;
        public readonly float* Spread;
        public readonly float* Framed;
        public readonly float* Partial;
        public readonly float* Totals;
        public readonly int TotalVectors;
        public readonly float* FirstSums;
        public readonly float* SecondSums;
        public readonly float* ThirdSums;
        public readonly float* TwoByTwoTotals;
        public readonly float** InputRows;
        public readonly float** TapRows;
        public readonly nint* Offsets;
        private readonly float* _values;
        private readonly nint _input;
        private readonly nint _plane;

        public Buffers(ref ScratchLayout layout, in XSepStageShape shape, in PlaneGroups groups)
        {
            var lanes = TLanes.Count;
            var border = shape.Kernel / 2;
            var plane = shape.Height * shape.Width;
            Lanes = new XSepLanes<TLanes, TVector>(ref layout, shape.Kernel);
            Zeros = layout.Zeros(shape.InputWidth);
            var bordered = (long)shape.Height * (shape.Width + (2 * border));
            Bordered = NormSweeps<TLanes, TVector, TActivation>.Fit(shape) ? null : layout.Zeros(bordered);
            Spread = shape.Stride == 1 ? Bordered : layout.Zeros(bordered);
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
            TapRows = layout.Rows(shape.Height + (2 * border));
            Offsets = layout.Offsets(AheadSlots * shape.Plane);
            _input = (nint)shape.InputPlane * lanes;
            _plane = (nint)plane * lanes;
            _values = layout.Vectors((shape.InputPlane + (4L * plane)) * groups.GroupsPerItem);
        }

        public readonly GroupPlanes Group(int group) => new(_values + (group * (_input + (4 * _plane))), _input, _plane);
    }
}
