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
    private const int MinPrefetchedGroups = 64;

    public DepthwiseStageShape Shape;
    public DepthwiseStageParameters Parameters;
    public PlaneGroups Groups;
    public float* Input;
    public float* Output;

    /// <summary>Items here are groups: those of a channel, or block of channels, follow each other and share the folded weights.</summary>
    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var buffers = new Buffers(ref layout, Shape, Groups);
        if (!layout.HasMemory) return;
        var prefetches = end - first >= MinPrefetchedGroups;
        if (prefetches)
        {
            buffers.InputLines.FillOffsets(Groups, Shape.InputPlane, TLanes.Count);
            buffers.OutputLines.FillOffsets(Groups, Shape.OutputPlane, TLanes.Count);
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

            RunGroup(item, i % Groups.GroupsPerItem, buffers, prefetches);
        }
    }

    private readonly void Fold(in ItemLanes item, in DepthwiseLanes<TLanes, TVector> lanes)
    {
        var taps = Shape.Kernel * Shape.Kernel;
        item.Pack<TLanes, TVector>(Parameters.Weights, taps, lanes.Weights);
        NormStatistics<TLanes, TVector>.Fold(item, Parameters.Norm, lanes.Norm, lanes.Weights, taps);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void RunGroup(in ItemLanes item, int group, in Buffers b, bool prefetches)
    {
        var source = item.Planes(group, Shape.InputPlane);
        var planes = item.Planes(group, Shape.OutputPlane);
        Reorder<TLanes, TVector>.ToBordered(Input, source, Shape.Height, Shape.Width, b.Bordered, b.Plane);
        DepthwiseRows<TLanes, TVector, TStride, TActivation>.Run(
            b.Bordered, TapWindow.Square(Shape.Kernel), b.Lanes.Weights, b.Lanes.Norm.Shift, b.Plane,
            (nint)Shape.OutputWidth * TLanes.Count,
            TLanes.Count, Shape.OutputHeight, Shape.OutputWidth,
            prefetches ? b.OutputLines.Of(Output + planes.Offset, Shape.OutputPlane) : default,
            prefetches ? b.InputLines.Of(Input + source.Offset + Groups.NextGroup(Shape.InputPlane), Shape.OutputPlane) : default);
        Reorder<TLanes, TVector>.ToPlanes(b.Plane, Shape.OutputPlane, Output + planes.Offset, planes.Stride, planes.Valid);
    }

    private readonly struct Buffers
    {
        public readonly DepthwiseLanes<TLanes, TVector> Lanes;
        public readonly VectorMap Bordered;
        public readonly float* Plane;
        public readonly PrefetchLines InputLines;
        public readonly PrefetchLines OutputLines;

        public Buffers(ref ScratchLayout layout, in DepthwiseStageShape shape, in PlaneGroups groups)
        {
            Lanes = new DepthwiseLanes<TLanes, TVector>(ref layout, shape.Kernel);
            Bordered = layout.Bordered(shape.Height, shape.Width, shape.Border);
            Plane = layout.Vectors(shape.InputPlane);
            InputLines = new PrefetchLines(ref layout, groups, shape.InputPlane, TLanes.Count);
            OutputLines = new PrefetchLines(ref layout, groups, shape.OutputPlane, TLanes.Count);
        }
    }
}
