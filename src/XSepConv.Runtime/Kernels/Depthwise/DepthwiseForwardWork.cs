using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Training's forward: one channel, or one block of channels, from input to output without leaving the cache.</summary>
/// <remarks>Two passes over the item's groups, since the batch statistics have to be complete before anything is normalised.</remarks>
internal unsafe struct DepthwiseForwardWork<TLanes, TVector, TStride, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TStride : struct, IStride
    where TActivation : struct, IActivation
{
    // Bytes of the input from which prefetching gains more than it costs in room in the first cache.
    private const long MinPrefetchedBytes = 8L << 20;

    public DepthwiseStageShape Shape;
    public DepthwiseStageParameters Parameters;
    public BatchNormStatistics Statistics;
    public PlaneGroups Groups;
    public float* Input;
    public float* Output;

    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var buffers = new Buffers(ref layout, Shape, Groups);
        if (!layout.HasMemory) return;
        if (Prefetches)
        {
            buffers.InputLines.FillOffsets(Groups, Shape.InputPlane, TLanes.Count);
            buffers.OutputLines.FillOffsets(Groups, Shape.OutputPlane, TLanes.Count);
        }

        for (var i = first; i < end; i++) RunItem(new ItemLanes(Groups, Groups.Item(i), Shape.Batch, TLanes.Count), buffers);
    }

    private readonly bool Prefetches =>
        TStride.Value == 1 && (long)Shape.Batch * Shape.Channels * Shape.InputPlane * sizeof(float) >= MinPrefetchedBytes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void RunItem(in ItemLanes item, in Buffers b)
    {
        var prefetches = Prefetches;
        var count = Shape.OutputPlane;
        var outputRow = (nint)Shape.OutputWidth * TLanes.Count;
        b.Lanes.Pack(item, Parameters, Shape.Kernel);
        for (var g = 0; g < item.Groups; g++)
        {
            var values = b.Group(g);
            var planes = item.Planes(g, Shape.InputPlane);
            Reorder<TLanes, TVector>.ToBordered(Input, planes, Shape.Height, Shape.Width, b.Bordered, b.Plane);
            DepthwiseRows<TLanes, TVector, TStride, IdentityActivation>.Run(
                b.Bordered, TapWindow.Square(Shape.Kernel), b.Lanes.Weights, b.Lanes.Zero, values, outputRow, TLanes.Count,
                Shape.OutputHeight, Shape.OutputWidth, prefetches
                ? b.InputLines.Of(Input + planes.Offset + Groups.NextItem(Shape.InputPlane), count) : default,
                prefetches ? b.OutputLines.Of(Output + item.Planes(g, count).Offset, count) : default);
            VectorSums<TLanes, TVector>.Sum(b.Sum, values, count);
            NormStatistics<TLanes, TVector>.Measure(values, count, b.Sum, b.Record(g));
        }

        NormStatistics<TLanes, TVector>.Finish(item, b.Records, count, b.Lanes.Norm, Parameters.Norm, Statistics);
        for (var g = 0; g < item.Groups; g++)
        {
            var planes = item.Planes(g, count);
            var values = b.Group(g);
            NormPasses<TLanes, TVector>.ToPlanes<TActivation>(values, b.Lanes.Norm, count, Output + planes.Offset, planes.Stride,
                planes.Valid);
        }
    }

    private readonly struct Buffers
    {
        public readonly DepthwiseLanes<TLanes, TVector> Lanes;
        public readonly VectorMap Bordered;
        public readonly float* Plane;
        public readonly float* Records;
        public readonly float* Sum;
        public readonly PrefetchLines InputLines;
        public readonly PrefetchLines OutputLines;
        private readonly float* _values;
        private readonly nint _group;

        public Buffers(ref ScratchLayout layout, in DepthwiseStageShape shape, in PlaneGroups groups)
        {
            Lanes = new DepthwiseLanes<TLanes, TVector>(ref layout, shape.Kernel);
            Bordered = layout.Bordered(shape.Height, shape.Width, shape.Border);
            Plane = layout.Vectors(shape.InputPlane);
            Records = layout.Vectors((long)groups.GroupsPerItem * NormStatistics<TLanes, TVector>.RecordVectors);
            Sum = layout.Vectors(1);
            InputLines = new PrefetchLines(ref layout, groups, shape.InputPlane, TLanes.Count);
            OutputLines = new PrefetchLines(ref layout, groups, shape.OutputPlane, TLanes.Count);
            _values = layout.Vectors((long)shape.OutputPlane * groups.GroupsPerItem);
            _group = (nint)shape.OutputPlane * TLanes.Count;
        }

        public readonly float* Group(int group) => _values + (group * _group);

        public readonly float* Record(int group) => Records + (group * NormStatistics<TLanes, TVector>.RecordVectors * TLanes.Count);
    }
}
