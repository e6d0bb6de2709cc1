namespace XSepConv.Kernels;

/// <summary>
/// The fused stages in one vector width. Tensors are float32, contiguous NCHW; results are the same bits for every thread count.
/// </summary>
internal abstract unsafe class StageKernels
{
    /// <summary>As <c>XSEPCONV_KERNEL</c> names it.</summary>
    public abstract string Name { get; }

    /// <summary>Whether this processor has the width in hardware; otherwise the runtime emulates it, correct and slow.</summary>
    public abstract bool IsAccelerated { get; }

    /// <summary>Whether inference takes planes as they lie, and nothing of it but input and output leaves the first cache.</summary>
    public abstract bool InfersPlanes(in XSepStageShape shape);

    /// <summary>Forward with batch statistics, which it leaves in <paramref name="statistics"/> and in the running buffers.</summary>
    /// <returns>
    /// False where one has left the range in which float32 holds its squares: then the results are worth nothing and the running
    /// statistics as they were.
    /// </returns>
    public bool TrainForward(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, in XSepStageStatistics statistics,
        int threads)
    {
        shape.ValidateForTraining();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var memory = Memory(shape, parameters, input, output);
        statistics.AddTo(memory, shape.Channels);
        ReadOnlySpan<BatchNormParameters> norms = [parameters.First, parameters.Second, parameters.Third];
        using var before = new RunningBefore(norms, shape.Channels);
        TrainForwardCore(shape, parameters, input, output, statistics, threads);
        if (statistics.ArePlain(shape.Channels)) return true;
        before.Restore(norms);
        return false;
    }

    /// <summary>Gradients, recomputing the forward from <paramref name="input"/>.</summary>
    /// <param name="frozen">The statistics are constants (running ones), not functions of the input.</param>
    public void Backward(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* outputGradient, in XSepStageStatistics statistics,
        in XSepStageGradients gradients, bool frozen, int threads)
    {
        if (frozen) shape.Validate();
        else shape.ValidateForTraining();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var memory = Memory(shape, parameters, input, outputGradient);
        statistics.AddTo(memory, shape.Channels);
        gradients.AddTo(memory, shape.Channels, shape.Kernel);
        memory.Add(gradients.Input, (long)shape.Batch * shape.Channels * shape.InputPlane);
        BackwardCore(shape, parameters, input, outputGradient, statistics, gradients, frozen, threads);
    }

    /// <summary>Forward with the running statistics.</summary>
    public void Infer(in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, int threads)
    {
        shape.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var memory = Memory(shape, parameters, input, output);
        InferCore(shape, parameters, input, output, threads);
    }

    /// <summary>Forward with batch statistics, which it leaves in <paramref name="statistics"/> and in the running buffers.</summary>
    /// <returns>
    /// False where one has left the range in which float32 holds its squares: then the results are worth nothing and the running
    /// statistics as they were.
    /// </returns>
    public bool TrainForward(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output,
        in BatchNormStatistics statistics,
        int threads)
    {
        shape.ValidateForTraining();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var memory = Memory(shape, parameters, input, output);
        statistics.AddTo(memory, shape.Channels);
        ReadOnlySpan<BatchNormParameters> norms = [parameters.Norm];
        using var before = new RunningBefore(norms, shape.Channels);
        TrainForwardCore(shape, parameters, input, output, statistics, threads);
        if (statistics.IsPlain(shape.Channels)) return true;
        before.Restore(norms);
        return false;
    }

    /// <summary>Gradients, recomputing the forward from <paramref name="input"/>.</summary>
    /// <param name="frozen">The statistics are constants (running ones), not functions of the input.</param>
    public void Backward(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* outputGradient,
        in BatchNormStatistics statistics,
        in DepthwiseStageGradients gradients, bool frozen, int threads)
    {
        if (frozen) shape.Validate();
        else shape.ValidateForTraining();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var memory = Memory(shape, parameters, input, outputGradient);
        statistics.AddTo(memory, shape.Channels);
        gradients.AddTo(memory, shape.Channels, shape.Kernel);
        memory.Add(gradients.Input, (long)shape.Batch * shape.Channels * shape.InputPlane);
        BackwardCore(shape, parameters, input, outputGradient, statistics, gradients, frozen, threads);
    }

    /// <summary>Forward with the running statistics.</summary>
    public void Infer(in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output, int threads)
    {
        shape.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var memory = Memory(shape, parameters, input, output);
        InferCore(shape, parameters, input, output, threads);
    }

    protected abstract void TrainForwardCore(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, in XSepStageStatistics statistics,
        int threads);

    protected abstract void BackwardCore(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* outputGradient, in XSepStageStatistics statistics,
        in XSepStageGradients gradients, bool frozen, int threads);

    protected abstract void InferCore(in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, int threads);

    protected abstract void TrainForwardCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output,
        in BatchNormStatistics statistics,
        int threads);

    protected abstract void BackwardCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* outputGradient,
        in BatchNormStatistics statistics,
        in DepthwiseStageGradients gradients, bool frozen, int threads);

    protected abstract void InferCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output, int threads);

    private static CallMemory Memory(in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output)
    {
        var memory = new CallMemory();
        memory.Add(input, (long)shape.Batch * shape.Channels * shape.InputPlane);
        memory.Add(output, (long)shape.Batch * shape.Channels * shape.OutputPlane);
        parameters.AddTo(memory, shape.Channels, shape.Kernel);
        return memory;
    }

    private static CallMemory Memory(in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output)
    {
        var memory = new CallMemory();
        memory.Add(input, (long)shape.Batch * shape.Channels * shape.InputPlane);
        memory.Add(output, (long)shape.Batch * shape.Channels * shape.OutputPlane);
        parameters.AddTo(memory, shape.Channels, shape.Kernel);
        return memory;
    }
}
