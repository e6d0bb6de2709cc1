using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Training's forward: one channel, or one block of channels, from input to output without leaving the cache.</summary>
/// <remarks>
/// Four passes over the item's groups, one for each batch statistic that has to be complete before the next convolution starts. One buffer
/// per group holds, in turn, the results of 2×2, 1×K and K×1.
/// </remarks>
internal unsafe struct XSepForwardWork<TLanes, TVector, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    // Loops over a group's vectors that prefetch.
    private const int PrefetchLoops = 3;

    public XSepStageShape Shape;
    public XSepStageParameters Parameters;
    public XSepStageStatistics Statistics;
    public PlaneGroups Groups;
    public float* Input;
    public float* Output;

    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var buffers = new Buffers(ref layout, Shape, Groups);
        if (!layout.HasMemory) return;
        if (Shape.Stride == 1) FillOffsets(buffers);
        for (var i = first; i < end; i++)
        {
            var item = Groups.Item(i);
            RunItem(new ItemLanes(Groups, item, Shape.Batch, TLanes.Count), buffers);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void RunItem(in ItemLanes item, in Buffers b)
    {
        var lanes = TLanes.Count;
        int height = Shape.Height, width = Shape.Width, middle = Shape.OutputWidth;
        b.Lanes.Pack(item, Parameters, Shape.Kernel);
        b.Horizontal.Pack();
        b.Vertical.Pack();
        var edge = Shape.Prepadded ? 0 : item.Item.Padding.IsLeft() ? -1 : 1;
        if (Shape.Prepadded) IndirectionBuffer.Dense(b.InputRows, b.Plane, (nint)Shape.InputWidth * lanes, height + 1);
        else IndirectionBuffer.PadOneSide(b.InputRows, b.Plane, (nint)width * lanes, height, item.Item.Padding.IsTop(), b.Zeros);
        for (var g = 0; g < item.Groups; g++)
        {
            var planes = item.Planes(g, Shape.InputPlane);
            var values = b.Group(g);
            Reorder<TLanes, TVector>.ToBlocked(Input + planes.Offset, planes.Stride, planes.Valid, Shape.InputPlane, b.Plane);
            TwoByTwo<TLanes, TVector>.Forward<MeasuredFinish>(
                b.InputRows, height, width, edge, b.Lanes.TwoByTwo, values, (nint)width * lanes, b.Sum, PrefetchOf(item, g, b, 0));
            NormStatistics<TLanes, TVector>.Measure(values, height * width, b.Sum, b.Record(g));
        }

        NormStatistics<TLanes, TVector>.Finish(item, b.Records, height * width, b.Lanes.First, Parameters.First, Statistics.First);
        for (var g = 0; g < item.Groups; g++)
        {
            var values = b.Group(g);
            b.Horizontal.Forward(values, values, b.Lanes.First, b.Sum, PrefetchOf(item, g, b, 1));
            NormStatistics<TLanes, TVector>.Measure(values, height * middle, b.Sum, b.Record(g));
        }

        NormStatistics<TLanes, TVector>.Finish(item, b.Records, height * middle, b.Lanes.Second, Parameters.Second, Statistics.Second);
        for (var g = 0; g < item.Groups; g++)
        {
            var values = b.Group(g);
            b.Vertical.Forward(values, values, b.Lanes.Second, b.Sum, PrefetchOf(item, g, b, 2));
            NormStatistics<TLanes, TVector>.Measure(values, Shape.OutputPlane, b.Sum, b.Record(g));
        }

        NormStatistics<TLanes, TVector>.Finish(item, b.Records, Shape.OutputPlane, b.Lanes.Third, Parameters.Third, Statistics.Third);
        for (var g = 0; g < item.Groups; g++)
        {
            var planes = item.Planes(g, Shape.OutputPlane);
            var values = b.Group(g);
            if (Shape.ActivateOutput)
            {
                NormPasses<TLanes, TVector>.ToPlanes<TActivation>(values, b.Lanes.Third, Shape.OutputPlane, Output + planes.Offset,
                    planes.Stride, planes.Valid);
            }
            else
            {
                NormPasses<TLanes, TVector>.ToPlanes<IdentityActivation>(values, b.Lanes.Third, Shape.OutputPlane, Output + planes.Offset,
                    planes.Stride, planes.Valid);
            }
        }
    }

    // Input of the next item and output of this one, while the first two convolutions' results are made.
    private readonly void FillOffsets(in Buffers b)
    {
        var next = Groups.NextItem(Shape.InputPlane);
        ReadOnlySpan<nint> tensors = Shape.InputPlane == Shape.OutputPlane ? [next, (nint)(Output - Input)] : [next];
        Prefetch.FillOffsets(b.Offsets, PrefetchLoops * Shape.Plane, Shape.InputPlane, Groups.PlaneStride(Shape.InputPlane), TLanes.Count,
            tensors);
    }

    private readonly Prefetch PrefetchOf(in ItemLanes item, int group, in Buffers b, int slot) =>
        Shape.Stride == 1 ? new Prefetch(Input + item.Planes(group, Shape.InputPlane).Offset, b.Offsets).After((nint)slot * Shape.Plane)
            : default;

    private readonly struct Buffers
    {
        public readonly XSepLanes<TLanes, TVector> Lanes;
        public readonly float* Plane;
        public readonly float* Zeros;
        public readonly float* Records;
        public readonly float* Sum;
        public readonly float** InputRows;
        public readonly nint* Offsets;
        public readonly SeparatedLine<TLanes, TVector, TActivation> Horizontal;
        public readonly SeparatedLine<TLanes, TVector, TActivation> Vertical;
        private readonly float* _values;
        private readonly nint _group;

        public Buffers(ref ScratchLayout layout, in XSepStageShape shape, in PlaneGroups groups)
        {
            var plane = (long)shape.Height * shape.Width;
            Lanes = new XSepLanes<TLanes, TVector>(ref layout, shape.Kernel);
            Zeros = layout.Zeros(shape.InputWidth);
            Plane = layout.Vectors(shape.InputPlane);
            Records = layout.Vectors((long)groups.GroupsPerItem * NormStatistics<TLanes, TVector>.RecordVectors);
            Sum = layout.Vectors(1);
            InputRows = layout.Rows(shape.Height + 1);
            Offsets = layout.Offsets(PrefetchLoops * shape.Plane);
            _values = layout.Vectors(plane * groups.GroupsPerItem);
            _group = (nint)plane * TLanes.Count;
            Horizontal = new(ref layout, shape, down: false, Lanes.Horizontal, hasBackward: false);
            Vertical = new(ref layout, shape, down: true, Lanes.Vertical, hasBackward: false);
        }

        public readonly float* Group(int group) => _values + (group * _group);

        public readonly float* Record(int group) => Records + (group * NormStatistics<TLanes, TVector>.RecordVectors * TLanes.Count);
    }
}
