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
            item.Unpack(buffers.Totals, 1, SourceGradients.Bias);
            item.Unpack(buffers.Totals + TLanes.Count, 1, SourceGradients.Weight);
            BlockNorms<TLanes, TVector>.StoreGradient(buffers.SourceNorm, SourceNorm, k);
        }
    }

    private readonly void Prepare(in ItemLanes item, int block, in Buffers b)
    {
        b.Packed.Pack(item, Parameters, Shape.Kernel);
        BlockNorms<TLanes, TVector>.Load(SourceNorm, block, b.SourceNorm);
        new Span<float>(b.Totals, (2 + (Shape.Kernel * Shape.Kernel)) * TLanes.Count).Clear();
        var transposed = b.Transposed;
        for (var parity = 0; parity < TStride.Value * TStride.Value; parity++)
        {
            var window = Window(parity);
            for (var tap = 0; tap < window.Rows * window.Columns; tap++)
            {
                var row = TapWindow.Source(Shape.Kernel, TStride.Value, parity / TStride.Value, tap / window.Columns);
                var column = TapWindow.Source(Shape.Kernel, TStride.Value, parity % TStride.Value, tap % window.Columns);
                TLanes.Store(transposed, TLanes.Load(b.Packed.Weights + (((row * Shape.Kernel) + column) * TLanes.Count)));
                transposed += TLanes.Count;
            }
        }
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
            Shape.OutputWidth, b.Gradient.First, b.Gradient.RowFloats, 1);
        NormPasses<TLanes, TVector>.NormaliseAndActivate<TActivation>(
            raw, b.SourceNorm, Shape.Height, Shape.Width, b.Input.First, b.Input.RowFloats);
        DepthwiseWeightGradient<TLanes, TVector, TStride>.Run(b.Input, b.Gradient, Shape.OutputWidth, Shape.Kernel, b.Partial);
        item.Accumulate<TLanes, TVector>(b.Partial, b.WeightTotals, Shape.Kernel * Shape.Kernel, image);
        var result = SourceGradient.At(block, (nint)image * Shape.InputPlane, lanes);
        TransposedConvolution(b, result);
        PendingSweeps<TLanes, TVector>.ActivationBackward<TActivation>(
            raw, result, Shape.InputPlane, b.SourceNorm.Scale, b.SourceNorm.Shift, b.SourceNorm.Mean, b.Partial);
        item.Accumulate<TLanes, TVector>(b.Partial, b.Totals, 2, image);
    }

    /// <summary>At stride 2, four convolutions, since every second row and column is reached by other taps.</summary>
    private readonly void TransposedConvolution(in Buffers b, float* result)
    {
        var lanes = TLanes.Count;
        var weights = b.Transposed;
        var row = (nint)Shape.Width * lanes;
        for (var parity = 0; parity < TStride.Value * TStride.Value; parity++)
        {
            var (top, left) = (parity / TStride.Value, parity % TStride.Value);
            var window = Window(parity);
            var (height, width) =
                ((Shape.Height - top + TStride.Value - 1) / TStride.Value, (Shape.Width - left + TStride.Value - 1) / TStride.Value);
            if (height > 0 && width > 0)
            {
                DepthwiseRows<TLanes, TVector, Stride1, IdentityActivation>.Run(
                    b.Gradient, window, weights, b.Packed.Zero, result + (top * row) + (left * lanes), TStride.Value * row,
                    TStride.Value * lanes, height, width);
            }

            weights += window.Rows * window.Columns * lanes;
        }
    }

    private readonly TapWindow Window(int parity) =>
        TapWindow.Transposed(Shape.Kernel, TStride.Value, parity / TStride.Value, parity % TStride.Value);

    private readonly struct Buffers
    {
        public readonly DepthwiseLanes<TLanes, TVector> Packed;
        public readonly NormLanes SourceNorm;
        public readonly VectorMap Input;
        public readonly VectorMap Gradient;
        public readonly float* Transposed;
        public readonly float* Partial;
        public readonly float* Totals;

        public Buffers(ref ScratchLayout layout, in DepthwiseStageShape shape)
        {
            var taps = shape.Kernel * shape.Kernel;
            Packed = new DepthwiseLanes<TLanes, TVector>(ref layout, shape.Kernel);
            SourceNorm = new NormLanes(ref layout);
            Input = layout.Bordered(shape.Height, shape.Width, shape.Border);
            Gradient = layout.Bordered(shape.OutputHeight, shape.OutputWidth, shape.Border);
            Transposed = layout.Vectors(taps);
            Partial = layout.Vectors(Math.Max(taps, 2));
            Totals = layout.Vectors(2 + taps);
        }

        public float* WeightTotals => Totals + (2 * TLanes.Count);
    }
}
