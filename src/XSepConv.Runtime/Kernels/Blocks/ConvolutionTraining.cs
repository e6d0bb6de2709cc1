namespace XSepConv.Kernels;

/// <summary>A convolution → norm → activation in training, of the network's first or last kind: 3×3 with padding 1, or 1×1.</summary>
/// <param name="Batch">N.</param>
/// <param name="In">Input channels.</param>
/// <param name="Out">Output channels.</param>
/// <param name="Height">Rows of the input.</param>
/// <param name="Width">Columns of the input.</param>
/// <param name="Kernel">1 or 3.</param>
/// <param name="Stride">1, or of a 3×3 2.</param>
/// <param name="Activation">The nonlinearity.</param>
internal readonly record struct ConvolutionTrainingShape(
    int Batch, int In, int Out, int Height, int Width, int Kernel, int Stride, Activation Activation)
{
    /// <summary>Backward is asked for the input's gradient; counts for its memory alone.</summary>
    public bool HasInputGradient { get; init; }

    public int OutputHeight => ((Height - 1) / Stride) + 1;

    public int OutputWidth => ((Width - 1) / Stride) + 1;

    public int OutputPlane => OutputHeight * OutputWidth;

    /// <summary>Channels of the 1×1 convolution that it comes to.</summary>
    public int Inputs => In * Kernel * Kernel;

    public PixelChunks Chunks => new(Batch, OutputPlane, Inputs + Out);
}

/// <summary>One such convolution, in one width of vector.</summary>
internal readonly unsafe struct ConvolutionTraining<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private readonly ConvolutionTrainingShape _shape;
    private readonly ConvNormParameters _parameters;
    private readonly MapNorm _norm;
    private readonly BlockedMap _raw;
    private readonly int _threads;

    private ConvolutionTraining(in ConvolutionTrainingShape shape, in ConvNormParameters parameters, ref ScratchLayout kept, int threads)
    {
        (_shape, _parameters, _threads) = (shape, parameters, threads);
        _norm = new MapNorm(ref kept, shape.Out);
        _raw = BlockedMap.Take(ref kept, shape.Out, shape.Chunks.Pixels);
    }

    /// <summary>Floats that are kept, that forward needs besides, and that backward does.</summary>
    public static (long Kept, long Forward, long Backward) Sizes(in ConvolutionTrainingShape shape)
    {
        ScratchLayout kept = new(null, TLanes.Count), forward = new(null, TLanes.Count), backward = new(null, TLanes.Count);
        _ = new ConvolutionTraining<TLanes, TVector>(shape, default, ref kept, 1);
        _ = new ForwardMemory(ref forward, shape);
        _ = new BackwardMemory(ref backward, shape);
        return (kept.Taken, forward.Taken, backward.Taken);
    }

    public static bool Forward(
        in ConvolutionTrainingShape shape, in ConvNormParameters parameters, float* input, float* output, float* kept, float* work,
        int threads)
    {
        var (keptLayout, workLayout) = (new ScratchLayout(kept, TLanes.Count), new ScratchLayout(work, TLanes.Count));
        var training = new ConvolutionTraining<TLanes, TVector>(shape, parameters, ref keptLayout, threads);
        training._norm.Clear();
        if (parameters.Norm.Frozen) training._norm.Freeze(parameters.Norm);
        ActivationTypes.Run(shape.Activation, new ForwardCall(training, new(ref workLayout, shape), input, output));
        if (parameters.Norm.Frozen) return true;
        if (!training._norm.IsPlain()) return false;
        training._norm.UpdateRunning(parameters.Norm, shape.Chunks.Pixels);
        return true;
    }

    public static void Backward(
        in ConvolutionTrainingShape shape, in ConvNormParameters parameters, float* input, float* outputGradient, float* kept, float* work,
        float* inputGradient, in ConvNormGradients gradients, int threads)
    {
        var (keptLayout, workLayout) = (new ScratchLayout(kept, TLanes.Count), new ScratchLayout(work, TLanes.Count));
        var training = new ConvolutionTraining<TLanes, TVector>(shape, parameters, ref keptLayout, threads);
        var memory = new BackwardMemory(ref workLayout, shape);
        ActivationTypes.Run(shape.Activation, new BackwardCall(training, memory, gradients, input, outputGradient, inputGradient));
    }

    private PendingMap Map => PendingMap.Of(_raw, _norm, _shape.Batch, _shape.OutputPlane, TLanes.Count);

    private readonly struct ForwardMemory(ref ScratchLayout layout, in ConvolutionTrainingShape shape)
    {
        public readonly float* Packed = layout.Vectors(PointwiseTraining<TLanes, TVector>.PackedVectors(shape.Inputs, shape.Out));
        public readonly float* Records = layout.Vectors(
            (long)shape.Chunks.Segments * BlockedMap.Blocks(shape.Out, TLanes.Count) * SegmentStatistics<TLanes, TVector>.RecordVectors);
    }

    private readonly struct BackwardMemory(ref ScratchLayout layout, in ConvolutionTrainingShape shape)
    {
        public readonly float* Packed = layout.Vectors(PointwiseTraining<TLanes, TVector>.PackedVectors(shape.Inputs, shape.Out));
        public readonly float* Sums = layout.Vectors(2L * shape.Chunks.Segments * BlockedMap.Blocks(shape.Out, TLanes.Count));
        public readonly BlockedMap Gradient = BlockedMap.Take(ref layout, shape.Out, shape.Chunks.Pixels);
        public readonly PointwiseSums Weights = new(ref layout, shape.Inputs, shape.Out, shape.Chunks);

        /// <summary>Of a 3×3, tap by tap.</summary>
        public readonly BlockedMap Taps = shape.Kernel > 1 && shape.HasInputGradient
            ? BlockedMap.Take(ref layout, shape.Inputs, shape.Chunks.Pixels) : default;
    }

    private readonly struct ForwardCall(
        ConvolutionTraining<TLanes, TVector> convolution, ForwardMemory memory, float* input, float* output) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            var shape = convolution._shape;
            if (shape.Kernel == 1) Convolve(new TensorPanel(input, shape.In, null, default, default));
            else Convolve(new StemPanel(input, shape.In, shape.Height, shape.Width, shape.Stride, default));
            var work = new BlockOutputWork<TLanes, TVector, TActivation> { Chunks = shape.Chunks, Map = convolution.Map, Output = output };
            KernelThreads.Run(work, shape.Chunks.Count, convolution._threads, TLanes.Count);
        }

        private void Convolve<TPanel>(TPanel panel)
            where TPanel : struct, IInputPanel => PointwiseTraining<TLanes, TVector>.Forward(
                panel, convolution._shape.Chunks, convolution._shape.Inputs, convolution._parameters, convolution._norm,
                convolution._raw, memory.Packed, memory.Records, convolution._threads);
    }

    private readonly struct BackwardCall(
        ConvolutionTraining<TLanes, TVector> convolution, BackwardMemory memory, ConvNormGradients gradients, float* input,
        float* outputGradient, float* inputGradient) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            var shape = convolution._shape;
            var map = convolution.Map with { Gradient = memory.Gradient };
            var work = new BlockGradientWork<TLanes, TVector, TActivation>
            {
                Chunks = shape.Chunks,
                Map = map,
                Gradient = outputGradient,
                Sums = memory.Sums,
            };
            KernelThreads.Run(work, shape.Chunks.Count, convolution._threads, TLanes.Count);
            BlockNorms<TLanes, TVector>.FinishGradient(
                memory.Sums, shape.Chunks.Segments, shape.Chunks.Pixels, convolution._parameters.Norm.Frozen, convolution._norm,
                gradients.Norm);
            if (shape.Kernel == 1)
            {
                Through(new TensorPanel(input, shape.In, inputGradient, default, default), map);
                return;
            }

            Through(new StemPanel(input, shape.In, shape.Height, shape.Width, shape.Stride, memory.Taps), map);
            if (inputGradient == null) return;
            var gather = new StemGradientWork<TLanes, TVector> { Shape = shape, Taps = memory.Taps, Gradient = inputGradient };
            KernelThreads.Run(gather, shape.Batch, convolution._threads, TLanes.Count);
        }

        private void Through<TPanel>(TPanel panel, in PendingMap map)
            where TPanel : struct, IInputPanel => PointwiseTraining<TLanes, TVector>.Backward(
                panel, convolution._shape.Chunks, memory.Weights, convolution._parameters.Weights, map, memory.Packed, gradients.Weights,
                convolution._threads);
    }
}
