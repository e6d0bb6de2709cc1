using System.Runtime.Intrinsics;

namespace XSepConv.Kernels;

/// <summary>
/// Whole blocks in training, in one width of vector. Tensors are float32, contiguous NCHW; results are the same bits for every thread
/// count.
/// </summary>
internal abstract unsafe class BlockKernels
{
    /// <summary>Those of the width of a stage's kernels.</summary>
    public static BlockKernels Of(StageKernels kernels) => kernels.Name switch
    {
        "v512" => Vectors<Lanes512, Vector512<float>>.Instance,
        "v256" => Vectors<Lanes256, Vector256<float>>.Instance,
        "v128" => Vectors<Lanes128, Vector128<float>>.Instance,
        "scalar" => Vectors<LanesScalar, float>.Instance,
        _ => throw new ArgumentOutOfRangeException(nameof(kernels), kernels.Name, "There is no such width."),
    };

    /// <summary>Floats that are kept from forward to backward, that forward needs besides, and that backward does.</summary>
    public abstract (long Kept, long Forward, long Backward) Sizes(in BlockTrainingShape shape);

    /// <summary>Forward, which updates the running statistics unless they are used.</summary>
    /// <param name="input">[N, In, H, W].</param>
    /// <param name="output">[N, Out, ⌈H/s⌉, ⌈W/s⌉].</param>
    /// <param name="kept">Written; backward reads it.</param>
    /// <param name="work">Memory for the time of the call.</param>
    /// <returns>
    /// False where a statistic has left the range in which float32 holds its squares: then the results are worth nothing and the running
    /// statistics as they were.
    /// </returns>
    public bool Forward(
        in BlockTrainingShape shape, in BlockParameters parameters, float* input, float* output, float* kept, float* work, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var memory = Memory(shape, input, output, kept);
        memory.Add(work, Sizes(shape).Forward);
        AddTo(memory, shape, parameters);
        return ForwardCore(shape, parameters, input, output, kept, work, threads);
    }

    /// <summary>Gradients, from what forward has kept.</summary>
    public void Backward(
        in BlockTrainingShape shape, in BlockParameters parameters, float* input, float* outputGradient, float* kept, float* work,
        in BlockGradients gradients, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var memory = Memory(shape, input, outputGradient, kept);
        memory.Add(work, Sizes(shape).Backward);
        AddTo(memory, shape, parameters);
        AddTo(memory, shape, gradients);
        memory.Add(gradients.Input, (long)shape.Batch * shape.In * shape.Plane);
        memory.Add(gradients.Padded, (long)shape.Batch * shape.In * shape.ExpandedPlane);
        BackwardCore(shape, parameters, input, outputGradient, kept, work, gradients, threads);
    }

    /// <summary>The same of a single convolution.</summary>
    public abstract (long Kept, long Forward, long Backward) Sizes(in ConvolutionTrainingShape shape);

    /// <summary>Forward of a single convolution, its norm and its activation.</summary>
    /// <param name="input">[N, In, H, W].</param>
    /// <param name="output">[N, Out, ⌈H/s⌉, ⌈W/s⌉].</param>
    /// <returns>As that of a block.</returns>
    public bool Forward(
        in ConvolutionTrainingShape shape, in ConvNormParameters parameters, float* input, float* output, float* kept, float* work,
        int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var memory = Memory(shape, input, output, kept);
        memory.Add(work, Sizes(shape).Forward);
        Add(memory, parameters, shape.Inputs, shape.Out);
        return ForwardCore(shape, parameters, input, output, kept, work, threads);
    }

    /// <summary>Its gradients.</summary>
    /// <param name="inputGradient">Null where it is not wanted.</param>
    public void Backward(
        in ConvolutionTrainingShape shape, in ConvNormParameters parameters, float* input, float* outputGradient, float* kept, float* work,
        float* inputGradient, in ConvNormGradients gradients, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var memory = Memory(shape, input, outputGradient, kept);
        memory.Add(work, Sizes(shape).Backward);
        Add(memory, parameters, shape.Inputs, shape.Out);
        Add(memory, gradients, shape.Inputs, shape.Out);
        memory.Add(inputGradient, (long)shape.Batch * shape.In * shape.Height * shape.Width);
        BackwardCore(shape, parameters, input, outputGradient, kept, work, inputGradient, gradients, threads);
    }

    protected abstract bool ForwardCore(
        in ConvolutionTrainingShape shape, in ConvNormParameters parameters, float* input, float* output, float* kept, float* work,
        int threads);

    protected abstract void BackwardCore(
        in ConvolutionTrainingShape shape, in ConvNormParameters parameters, float* input, float* outputGradient, float* kept, float* work,
        float* inputGradient, in ConvNormGradients gradients, int threads);

    protected abstract bool ForwardCore(
        in BlockTrainingShape shape, in BlockParameters parameters, float* input, float* output, float* kept, float* work, int threads);

    protected abstract void BackwardCore(
        in BlockTrainingShape shape, in BlockParameters parameters, float* input, float* outputGradient, float* kept, float* work,
        in BlockGradients gradients, int threads);

    private CallMemory Memory(in BlockTrainingShape shape, float* input, float* output, float* kept)
    {
        var memory = new CallMemory();
        memory.Add(input, (long)shape.Batch * shape.In * shape.Plane);
        memory.Add(output, (long)shape.Batch * shape.Out * shape.OutputPlane);
        memory.Add(kept, Sizes(shape).Kept);
        return memory;
    }

    private CallMemory Memory(in ConvolutionTrainingShape shape, float* input, float* output, float* kept)
    {
        var memory = new CallMemory();
        memory.Add(input, (long)shape.Batch * shape.In * shape.Height * shape.Width);
        memory.Add(output, (long)shape.Batch * shape.Out * shape.OutputPlane);
        memory.Add(kept, Sizes(shape).Kept);
        return memory;
    }

    private static void AddTo(in CallMemory memory, in BlockTrainingShape shape, in BlockParameters parameters)
    {
        var (squeezed, wide) = (shape.Squeezed, shape.SqueezesOutput ? shape.Out : shape.Expand);
        memory.Add(parameters.Padded, (long)shape.Batch * shape.In * shape.ExpandedPlane);
        Add(memory, parameters.Expand, shape.In, shape.Expand);
        Add(memory, parameters.Spatial, shape.IsSeparated ? 4 : shape.Kernel * shape.Kernel, shape.Expand);
        Add(memory, parameters.Horizontal, shape.Kernel, shape.Expand);
        Add(memory, parameters.Vertical, shape.Kernel, shape.Expand);
        Add(memory, parameters.Squeeze, wide, squeezed);
        Add(memory, parameters.Excite, squeezed, wide);
        Add(memory, parameters.Project, shape.Expand, shape.Out);
        Add(memory, parameters.Shortcut, shape.In, shape.Out);
    }

    private static void AddTo(in CallMemory memory, in BlockTrainingShape shape, in BlockGradients gradients)
    {
        var (squeezed, wide) = (shape.Squeezed, shape.SqueezesOutput ? shape.Out : shape.Expand);
        Add(memory, gradients.Expand, shape.In, shape.Expand);
        Add(memory, gradients.Spatial, shape.IsSeparated ? 4 : shape.Kernel * shape.Kernel, shape.Expand);
        Add(memory, gradients.Horizontal, shape.Kernel, shape.Expand);
        Add(memory, gradients.Vertical, shape.Kernel, shape.Expand);
        Add(memory, gradients.Squeeze, wide, squeezed);
        Add(memory, gradients.Excite, squeezed, wide);
        Add(memory, gradients.Project, shape.Expand, shape.Out);
        Add(memory, gradients.Shortcut, shape.In, shape.Out);
    }

    private static void Add(in CallMemory memory, in ConvNormParameters parameters, long perOutput, int outputs)
    {
        memory.Add(parameters.Weights, perOutput * outputs);
        parameters.Norm.AddTo(memory, outputs);
    }

    private static void Add(in CallMemory memory, in ConvNormGradients gradients, long perOutput, int outputs)
    {
        memory.Add(gradients.Weights, perOutput * outputs);
        gradients.Norm.AddTo(memory, outputs);
    }

    private sealed class Vectors<TLanes, TVector> : BlockKernels
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        public static Vectors<TLanes, TVector> Instance { get; } = new();

        public override (long Kept, long Forward, long Backward) Sizes(in BlockTrainingShape shape) =>
            BlockTraining<TLanes, TVector>.Sizes(shape);

        public override (long Kept, long Forward, long Backward) Sizes(in ConvolutionTrainingShape shape) =>
            ConvolutionTraining<TLanes, TVector>.Sizes(shape);

        protected override bool ForwardCore(
            in ConvolutionTrainingShape shape, in ConvNormParameters parameters, float* input, float* output, float* kept, float* work,
            int threads) => ConvolutionTraining<TLanes, TVector>.Forward(shape, parameters, input, output, kept, work, threads);

        protected override void BackwardCore(
            in ConvolutionTrainingShape shape, in ConvNormParameters parameters, float* input, float* outputGradient, float* kept,
            float* work, float* inputGradient, in ConvNormGradients gradients, int threads) =>
            ConvolutionTraining<TLanes, TVector>.Backward(
                shape, parameters, input, outputGradient, kept, work, inputGradient, gradients, threads);

        protected override bool ForwardCore(
            in BlockTrainingShape shape, in BlockParameters parameters, float* input, float* output, float* kept, float* work,
            int threads) => BlockTraining<TLanes, TVector>.Forward(shape, parameters, input, output, kept, work, threads);

        protected override void BackwardCore(
            in BlockTrainingShape shape, in BlockParameters parameters, float* input, float* outputGradient, float* kept, float* work,
            in BlockGradients gradients, int threads) =>
            BlockTraining<TLanes, TVector>.Backward(shape, parameters, input, outputGradient, kept, work, gradients, threads);
    }
}
