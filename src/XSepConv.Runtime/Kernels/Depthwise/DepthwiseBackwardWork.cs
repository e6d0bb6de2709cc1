using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// Training's backward: recomputes one item's convolution from the input, and walks back through it, without leaving the cache.
/// </summary>
/// <remarks>
/// Two passes over the item's groups, since the gradient before the batch normalisation needs two sums over the whole channel.
/// </remarks>
internal unsafe struct DepthwiseBackwardWork<TLanes, TVector, TStride, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TStride : struct, IStride
    where TActivation : struct, IActivation
{
    public DepthwiseStageShape Shape;
    public DepthwiseStageParameters Parameters;
    public BatchNormStatistics Statistics;
    public DepthwiseStageGradients Gradients;
    public PlaneGroups Groups;
    public float* Input;
    public float* OutputGradient;
    public bool Frozen;

    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var buffers = new Buffers(ref layout, Shape, Groups);
        if (!layout.HasMemory) return;
        buffers.InputLines.FillOffsets(Groups, Shape.InputPlane, TLanes.Count);
        buffers.OutputLines.FillOffsets(Groups, Shape.OutputPlane, TLanes.Count);
        for (var i = first; i < end; i++)
        {
            var item = new ItemLanes(Groups, Groups.Item(i), Shape.Batch, TLanes.Count);
            Prepare(item, buffers);
            Recompute(item, buffers);
            ThroughConvolution(item, buffers);
            Write(item, buffers);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Prepare(in ItemLanes item, in Buffers b)
    {
        b.Lanes.Pack(item, Parameters, Shape.Kernel);
        item.Pack<TLanes, TVector>(Statistics.Mean, 1, b.Lanes.Norm.Mean);
        item.Pack<TLanes, TVector>(Statistics.InverseStd, 1, b.Lanes.Norm.InverseStd);
        NormStatistics<TLanes, TVector>.Scale(b.Lanes.Norm);
        b.Transposed.Pack(b.Lanes.Weights);
        new Span<float>(b.Totals, b.TotalVectors * TLanes.Count).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Recompute(in ItemLanes item, in Buffers b)
    {
        var outputRow = (nint)Shape.OutputWidth * TLanes.Count;
        for (var g = 0; g < item.Groups; g++)
        {
            var input = b.Input(g);
            var values = b.Values(g);
            var gradient = b.Gradient(g);
            var planes = item.Planes(g, Shape.InputPlane);
            var gradientPlanes = item.Planes(g, Shape.OutputPlane);
            Reorder<TLanes, TVector>.ToBordered(Input, planes, Shape.Height, Shape.Width, input, b.Plane);
            DepthwiseRows<TLanes, TVector, TStride, IdentityActivation>.Run(
                input, TapWindow.Square(Shape.Kernel), b.Lanes.Weights, b.Lanes.Zero, values, outputRow, TLanes.Count, Shape.OutputHeight,
                Shape.OutputWidth,
                b.InputLines.Of(Input + planes.Offset + Groups.NextItem(Shape.InputPlane), Shape.OutputPlane),
                b.OutputLines.Of(OutputGradient + gradientPlanes.Offset, Shape.OutputPlane));
            Reorder<TLanes, TVector>.ToBlocked(
                OutputGradient + gradientPlanes.Offset, gradientPlanes.Stride, gradientPlanes.Valid, Shape.OutputPlane, gradient);
            PendingSweeps<TLanes, TVector>.ActivationBackward<TActivation>(values, gradient, Shape.OutputPlane, b.Lanes.Norm, b.Partial);
            item.Accumulate<TLanes, TVector>(b.Partial, b.Totals, 2, g);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ThroughConvolution(in ItemLanes item, in Buffers b)
    {
        var taps = Shape.Kernel * Shape.Kernel;
        NormStatistics<TLanes, TVector>.GradientCoefficients(item, b.Totals, (long)Shape.Batch * Shape.OutputPlane, b.Lanes.Norm, Frozen);
        for (var g = 0; g < item.Groups; g++)
        {
            NormPasses<TLanes, TVector>.NormBackward(
                b.Gradient(g), b.Values(g), b.Lanes.Norm, Shape.OutputHeight, Shape.OutputWidth, b.Bordered.First, b.Bordered.RowFloats);
            DepthwiseWeightGradient<TLanes, TVector, TStride>.Run(b.Input(g), b.Bordered, Shape.OutputWidth, Shape.Kernel, b.Partial);
            item.Accumulate<TLanes, TVector>(b.Partial, b.WeightTotals, taps, g);
            var planes = item.Planes(g, Shape.InputPlane);
            b.Transposed.Run(b.Bordered, b.Lanes.Zero, b.Plane, b.InputLines, Gradients.Input + planes.Offset);
            Reorder<TLanes, TVector>.ToPlanes(b.Plane, Shape.InputPlane, Gradients.Input + planes.Offset, planes.Stride, planes.Valid);
        }
    }

    private readonly void Write(in ItemLanes item, in Buffers b)
    {
        var taps = Shape.Kernel * Shape.Kernel;
        for (var tap = 0; tap < taps; tap++)
        {
            var total = b.WeightTotals + (tap * TLanes.Count);
            TLanes.Store(total, item.Reduced<TLanes, TVector>(TLanes.Load(total)));
        }

        item.Unpack(b.WeightTotals, taps, Gradients.Weights);
        item.Unpack(b.Totals, Gradients.Norm);
    }

    private readonly struct Buffers
    {
        public readonly DepthwiseLanes<TLanes, TVector> Lanes;
        public readonly TransposedDepthwise<TLanes, TVector, TStride> Transposed;
        public readonly VectorMap Bordered;
        public readonly float* Plane;
        public readonly float* Partial;
        public readonly PrefetchLines InputLines;
        public readonly PrefetchLines OutputLines;
        public readonly float* Totals;
        public readonly int TotalVectors;
        public readonly float* WeightTotals;
        private readonly VectorMap _input;
        private readonly float* _values;
        private readonly nint _inputPlane;
        private readonly nint _outputPlane;

        public Buffers(ref ScratchLayout layout, in DepthwiseStageShape shape, in PlaneGroups groups)
        {
            var taps = shape.Kernel * shape.Kernel;
            Lanes = new DepthwiseLanes<TLanes, TVector>(ref layout, shape.Kernel);
            Transposed = new(ref layout, shape);
            Bordered = layout.Bordered(shape.OutputHeight, shape.OutputWidth, shape.Border);
            Plane = layout.Vectors(shape.InputPlane);
            Partial = layout.Vectors(Math.Max(taps, 2));
            TotalVectors = 2 + taps;
            if (TStride.Value == 1)
            {
                InputLines = new PrefetchLines(ref layout, groups, shape.InputPlane, TLanes.Count);
                OutputLines = new PrefetchLines(ref layout, groups, shape.OutputPlane, TLanes.Count);
            }

            Totals = layout.Vectors(TotalVectors);
            WeightTotals = Totals + (2 * TLanes.Count);
            _inputPlane = (nint)shape.Height * shape.BorderedWidth * TLanes.Count;
            _outputPlane = (nint)shape.OutputPlane * TLanes.Count;
            _values = layout.Vectors(2L * shape.OutputPlane * groups.GroupsPerItem);
            _input = layout.Bordered(shape.Height * groups.GroupsPerItem, shape.Width, shape.Border);
            Height = shape.Height;
        }

        private int Height { get; }

        public readonly VectorMap Input(int group) => new(_input.First + (group * _inputPlane), _input.RowFloats, Height);

        public readonly float* Values(int group) => _values + (2 * group * _outputPlane);

        public readonly float* Gradient(int group) => Values(group) + _outputPlane;
    }
}
