using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Inference: one group of planes from input to output, batch normalisation folded into weights and shift.</summary>
internal unsafe struct DepthwiseInferWork<TLanes, TVector, TStride, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TStride : struct, IStride
    where TActivation : struct, IActivation
{
    // With fewer, filling the tables costs more than it gains.
    private const int LeastGroups = 64;

    public DepthwiseStageShape Shape;
    public DepthwiseStageParameters Parameters;
    public PlaneGroups Groups;
    public float* Input;
    public float* Output;

    public readonly long ScratchFloats
    {
        get
        {
            var layout = new ScratchLayout(null, TLanes.Count);
            _ = new Buffers(ref layout, Shape, Groups);
            return layout.Taken;
        }
    }

    /// <summary>Items here are groups: those of a channel, or block of channels, follow each other and share the folded weights.</summary>
    public readonly void Run(int first, int end, float* scratch)
    {
        var layout = new ScratchLayout(scratch, TLanes.Count);
        var buffers = new Buffers(ref layout, Shape, Groups);
        var asks = end - first >= LeastGroups;
        if (asks)
        {
            buffers.InputLines.Locate(Groups, Shape.InputPlane, TLanes.Count);
            buffers.OutputLines.Locate(Groups, Shape.OutputPlane, TLanes.Count);
        }

        var current = -1;
        ItemLanes item = default;
        for (var i = first; i < end; i++)
        {
            var index = i / Groups.GroupsPerItem;
            if (index != current)
            {
                item = new ItemLanes(Groups, Groups.Item(index), Shape.Batch, TLanes.Count);
                Fold(item, buffers.Lanes);
                current = index;
            }

            RunGroup(item, i % Groups.GroupsPerItem, buffers, asks);
        }
    }

    private readonly void Fold(in ItemLanes item, in DepthwiseLanes<TLanes, TVector> lanes)
    {
        var taps = Shape.Kernel * Shape.Kernel;
        item.Spread<TLanes, TVector>(Parameters.Weights, taps, lanes.Weights);
        NormStatistics<TLanes, TVector>.Fold(item, Parameters.Norm, lanes.Norm, lanes.Weights, taps);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void RunGroup(in ItemLanes item, int group, in Buffers b, bool asks)
    {
        var source = item.Planes(group, Shape.InputPlane);
        var planes = item.Planes(group, Shape.OutputPlane);
        BorderedPlanes<TLanes, TVector>.Load(Input, source, Shape.Height, Shape.Width, b.Bordered, b.Plane);
        DepthwiseRows<TLanes, TVector, TStride, TActivation>.Run(
            b.Bordered, TapWindow.Square(Shape.Kernel), b.Lanes.Weights, b.Lanes.Norm.Shift, b.Plane, (nint)Shape.OutputWidth * TLanes.Count,
            TLanes.Count, Shape.OutputHeight, Shape.OutputWidth,
            asks ? b.OutputLines.Of(Output + planes.Offset, Shape.OutputPlane) : default,
            asks ? b.InputLines.Of(Input + source.Offset + Groups.NextGroup(Shape.InputPlane), Shape.OutputPlane) : default);
        PlaneBlocks<TLanes, TVector>.Store(b.Plane, Shape.OutputPlane, Output + planes.Offset, planes.Stride, planes.Valid);
    }

    private readonly struct Buffers
    {
        public readonly DepthwiseLanes<TLanes, TVector> Lanes;
        public readonly VectorMap Bordered;
        public readonly float* Plane;
        public readonly AheadLines InputLines;
        public readonly AheadLines OutputLines;

        public Buffers(ref ScratchLayout layout, in DepthwiseStageShape shape, in PlaneGroups groups)
        {
            Lanes = new DepthwiseLanes<TLanes, TVector>(ref layout, shape.Kernel);
            Bordered = layout.Bordered(shape.Height, shape.Width, shape.Border);
            Plane = layout.Vectors(shape.InputPlane);
            InputLines = new AheadLines(ref layout, groups, shape.InputPlane, TLanes.Count);
            OutputLines = new AheadLines(ref layout, groups, shape.OutputPlane, TLanes.Count);
        }
    }
}
