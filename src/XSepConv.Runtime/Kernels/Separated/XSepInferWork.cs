using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Inference: one group of planes from input to output, batch normalisation folded into weights and shifts.</summary>
internal unsafe struct XSepInferWork<TLanes, TVector, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    // Loops over a group's vectors that prefetch.
    private const int PrefetchLoops = 2;

    // With fewer, filling the table costs more than it gains.
    private const int MinPrefetchedGroups = 64;

    public XSepStageShape Shape;
    public XSepStageParameters Parameters;
    public PlaneGroups Groups;
    public float* Input;
    public float* Output;

    /// <summary>Items here are groups: those of a channel, or block of channels, follow each other and share the folded weights.</summary>
    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var buffers = new Buffers(ref layout, Shape, HasSweeps);
        if (!layout.HasMemory) return;
        var middleRow = (nint)Shape.OutputWidth * TLanes.Count;
        IndirectionBuffer.Dense(buffers.MiddleRows, buffers.Middle, middleRow, Shape.Height);
        var prefetches = end - first >= MinPrefetchedGroups;
        if (prefetches) FillOffsets(buffers);
        var current = -1;
        ItemLanes item = default;
        for (var i = first; i < end; i++)
        {
            var index = i / Groups.GroupsPerItem;
            if (index != current)
            {
                item = new ItemLanes(Groups, Groups.Item(index), Shape.Batch, TLanes.Count);
                Prepare(item, buffers);
                current = index;
            }

            RunGroup(item, i % Groups.GroupsPerItem, buffers, prefetches);
        }
    }

    private readonly void Prepare(in ItemLanes item, in Buffers b)
    {
        b.Lanes.Fold(item, Parameters, Shape.Kernel);
        if (!HasSweeps)
        {
            b.Across.Pack(b.Lanes.Horizontal);
            b.Down.Pack(b.Lanes.Vertical);
        }

        if (Shape.Prepadded) IndirectionBuffer.Dense(b.InputRows, b.Plane, (nint)Shape.InputWidth * TLanes.Count, Shape.Height + 1);
        else
        {
            IndirectionBuffer.PadOneSide(b.InputRows, b.Plane, (nint)Shape.Width * TLanes.Count, Shape.Height, item.Item.Padding.IsTop(),
                b.Zeros);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void RunGroup(in ItemLanes item, int group, in Buffers b, bool prefetches)
    {
        var planes = item.Planes(group, Shape.InputPlane);
        Reorder<TLanes, TVector>.ToBlocked(Input + planes.Offset, planes.Stride, planes.Valid, Shape.InputPlane, b.Plane);
        var prefetch = prefetches ? new Prefetch(Input + planes.Offset, b.Offsets) : Prefetch.None;
        if (HasSweeps) Sweep(item, b, prefetch);
        else Convolve(item, b, prefetch);
        planes = item.Planes(group, Shape.OutputPlane);
        Reorder<TLanes, TVector>.ToPlanes(b.Plane, Shape.OutputPlane, Output + planes.Offset, planes.Stride, planes.Valid);
    }

    // The planes are in the buffer of that name before and after.
    private readonly bool HasSweeps =>
        Shape.Stride == 1 && SeparatedSweeps<TLanes, TVector, TActivation>.Has(Shape.Kernel)
            && Math.Min(Shape.Height, Shape.Width) > Shape.Kernel / 2;

    private readonly void Sweep(in ItemLanes item, in Buffers b, Prefetch prefetch)
    {
        AcrossSweep across;
        across.Source = b.InputRows;
        across.Destination = b.MiddleRows;
        across.Rows = Shape.Height;
        across.Width = Shape.Width;
        across.Edge = Edge(item);
        across.Prefetch = prefetch;
        across.TwoByTwo = b.Lanes.TwoByTwo;
        across.TwoByTwoBias = b.Lanes.First.Shift;
        across.Horizontal = b.Lanes.Horizontal;
        across.HorizontalBias = b.Lanes.Second.Shift;
        SeparatedSweeps<TLanes, TVector, TActivation>.Across(Shape.Kernel, &across);

        DownSweep down;
        down.Source = b.MiddleRows;
        down.Rows = Shape.Height;
        down.Before = Shape.Kernel / 2;
        down.After = Shape.Kernel / 2;
        down.Destination = b.Plane;
        down.DestinationRow = (nint)Shape.Width * TLanes.Count;
        down.Width = Shape.Width;
        down.Prefetch = prefetch.After(Shape.Plane);
        down.Vertical = b.Lanes.Vertical;
        down.VerticalBias = b.Lanes.Third.Shift;
        if (Shape.ActivateOutput) SeparatedSweeps<TLanes, TVector, TActivation>.Down(Shape.Kernel, &down);
        else SeparatedSweeps<TLanes, TVector, IdentityActivation>.Down(Shape.Kernel, &down);
    }

    private readonly void Convolve(in ItemLanes item, in Buffers b, Prefetch prefetch)
    {
        var lanes = TLanes.Count;
        int width = Shape.Width, middle = Shape.OutputWidth;
        var middleRow = (nint)middle * lanes;
        for (var row = 0; row < Shape.Height; row++)
        {
            TwoByTwo<TLanes, TVector>.Forward<ActivatedFinish<TActivation>>(
                b.InputRows + row, 1, width, Edge(item), b.Lanes.TwoByTwo, b.Row, 0, b.Lanes.First.Shift,
                prefetch.After((nint)row * width));
            b.Across.Infer<TActivation>(b.Row, lanes, b.Middle + (row * middleRow), lanes, b.Lanes.Second.Shift);
        }

        for (nint column = 0; column < middleRow; column += lanes)
        {
            if (Shape.ActivateOutput)
            {
                b.Down.Infer<TActivation>(b.Middle + column, middleRow, b.Plane + column, middleRow, b.Lanes.Third.Shift);
            }
            else b.Down.Infer<IdentityActivation>(b.Middle + column, middleRow, b.Plane + column, middleRow, b.Lanes.Third.Shift);
        }
    }

    private readonly int Edge(in ItemLanes item) => Shape.Prepadded ? 0 : item.Item.Padding.IsLeft() ? -1 : 1;

    // Output of this group and input of the next, while the first two convolutions' results are made.
    private readonly void FillOffsets(in Buffers b)
    {
        var next = Groups.NextGroup(Shape.InputPlane);
        ReadOnlySpan<nint> tensors = Shape.InputPlane == Shape.OutputPlane ? [(nint)(Output - Input), next] : [next];
        Prefetch.FillOffsets(b.Offsets, PrefetchLoops * Shape.Plane, Shape.InputPlane, Groups.PlaneStride(Shape.InputPlane), TLanes.Count,
            tensors);
    }

    private readonly struct Buffers
    {
        public readonly XSepLanes<TLanes, TVector> Lanes;
        public readonly float* Plane;
        public readonly float* Middle;
        public readonly float* Row;
        public readonly float* Zeros;
        public readonly float** InputRows;
        public readonly float** MiddleRows;
        public readonly nint* Offsets;
        public readonly LineConvolution<TLanes, TVector> Across;
        public readonly LineConvolution<TLanes, TVector> Down;

        public Buffers(ref ScratchLayout layout, in XSepStageShape shape, bool sweeps)
        {
            Lanes = new XSepLanes<TLanes, TVector>(ref layout, shape.Kernel);
            Zeros = layout.Zeros(shape.InputWidth);
            Plane = layout.Vectors(shape.InputPlane);
            Middle = layout.Vectors(shape.MiddlePlane);
            InputRows = layout.Rows(shape.Height + 1);
            MiddleRows = layout.Rows(shape.Height);
            Offsets = layout.Offsets(PrefetchLoops * shape.Plane);
            Row = layout.Vectors(shape.Width);
            if (sweeps) return;
            Across = new LineConvolution<TLanes, TVector>(ref layout, shape.Width, shape.Kernel, shape.Stride, hasBackward: false);
            Down = new LineConvolution<TLanes, TVector>(ref layout, shape.Height, shape.Kernel, shape.Stride, hasBackward: false);
        }
    }
}
