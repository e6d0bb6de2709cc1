using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// Backward of <see cref="DepthwiseMapForwardWork{TLanes, TVector, TStride, TActivation}"/>: from the gradient of the raw result to that
/// before the source's activation, and to the gradients of the source's norm. Items are blocks of channels.
/// </summary>
internal unsafe struct DepthwiseMapBackwardWork<TLanes, TVector, TStride, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TStride : struct, IStride
    where TActivation : struct, IActivation
{
    public DepthwiseStageShape Shape;
    public DepthwiseStageParameters Parameters;

    /// <summary>Its coefficients of backward are written.</summary>
    public MapNorm SourceNorm;
    public BlockedMap Source;

    /// <summary>Written; at stride 1 it may be the output's gradient.</summary>
    public BlockedMap SourceGradient;
    public bool SourceFrozen;
    public BatchNormGradients SourceGradients;

    public PendingMap Output;

    /// <summary>Of the weights; written.</summary>
    public float* WeightGradient;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var buffers = new Buffers(ref layout, Shape);
        if (!layout.HasMemory) return;
        for (var k = first; k < end; k++)
        {
            var item = MapItems.Of<TLanes, TVector>(Shape.Batch, Shape.Channels, k);
            Prepare(item, k, buffers);
            for (var image = 0; image < Shape.Batch; image++) Image(item, k, image, buffers);
            item.Unpack(buffers.WeightTotals, Shape.Kernel * Shape.Kernel, WeightGradient);
            NormStatistics<TLanes, TVector>.GradientCoefficients(
                item, buffers.Totals, (long)Shape.Batch * Shape.InputPlane, buffers.SourceNorm, SourceFrozen);
            item.Unpack(buffers.Totals, SourceGradients);
            BlockNorms<TLanes, TVector>.StoreGradient(buffers.SourceNorm, SourceNorm, k);
        }
    }

    private readonly void Prepare(in ItemLanes item, int block, in Buffers b)
    {
        b.Packed.Pack(item, Parameters, Shape.Kernel);
        BlockNorms<TLanes, TVector>.Load(SourceNorm, block, b.SourceNorm);
        b.Transposed.Pack(b.Packed.Weights);
        new Span<float>(b.Totals, (2 + (Shape.Kernel * Shape.Kernel)) * TLanes.Count).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Image(in ItemLanes item, int block, int image, in Buffers b)
    {
        var lanes = TLanes.Count;
        var output = (nint)image * Shape.OutputPlane;
        var raw = Source.At(block, (nint)image * Shape.InputPlane, lanes);
        BlockNorms<TLanes, TVector>.LoadGradient(Output, block, image, b.Packed.Norm);
        NormPasses<TLanes, TVector>.NormBackward(
            Output.Gradient.At(block, output, lanes), Output.Raw.At(block, output, lanes), b.Packed.Norm, Shape.OutputHeight,
            Shape.OutputWidth, b.Gradient.First, b.Gradient.RowFloats);
        NormPasses<TLanes, TVector>.NormaliseAndActivate<TActivation>(
            raw, b.SourceNorm, Shape.Height, Shape.Width, b.Input.First, b.Input.RowFloats);
        DepthwiseWeightGradient<TLanes, TVector, TStride>.Run(b.Input, b.Gradient, Shape.OutputWidth, Shape.Kernel, b.Partial);
        item.Accumulate<TLanes, TVector>(b.Partial, b.WeightTotals, Shape.Kernel * Shape.Kernel, image);
        var result = SourceGradient.At(block, (nint)image * Shape.InputPlane, lanes);
        b.Transposed.Run(b.Gradient, b.Packed.Zero, result);
        PendingSweeps<TLanes, TVector>.ActivationBackward<TActivation>(
            raw, result, Shape.InputPlane, b.SourceNorm, b.Partial);
        item.Accumulate<TLanes, TVector>(b.Partial, b.Totals, 2, image);
    }

    private readonly struct Buffers
    {
        public readonly DepthwiseLanes<TLanes, TVector> Packed;
        public readonly NormLanes SourceNorm;
        public readonly VectorMap Input;
        public readonly VectorMap Gradient;
        public readonly TransposedDepthwise<TLanes, TVector, TStride> Transposed;
        public readonly float* Partial;
        public readonly float* Totals;

        public Buffers(ref ScratchLayout layout, in DepthwiseStageShape shape)
        {
            var taps = shape.Kernel * shape.Kernel;
            Packed = new DepthwiseLanes<TLanes, TVector>(ref layout, shape.Kernel);
            SourceNorm = new NormLanes(ref layout);
            Input = layout.Bordered(shape.Height, shape.Width, shape.Border);
            Gradient = layout.Bordered(shape.OutputHeight, shape.OutputWidth, shape.Border);
            Transposed = new(ref layout, shape);
            Partial = layout.Vectors(Math.Max(taps, 2));
            Totals = layout.Vectors(2 + taps);
        }

        public float* WeightTotals => Totals + (2 * TLanes.Count);
    }
}
