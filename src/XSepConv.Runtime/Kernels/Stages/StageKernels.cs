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

    /// <summary>Whether every number is computed in float64.</summary>
    protected virtual bool IsExact => false;

    /// <summary>Whether inference takes planes as they lie, and nothing of it but input and output leaves the first cache.</summary>
    public abstract bool InfersPlanes(in XSepStageShape shape);

    /// <summary>Forward with batch statistics, which it leaves in <paramref name="statistics"/> and in the running buffers.</summary>
    public void TrainForward(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, in XSepStageStatistics statistics,
        int threads)
    {
        shape.ValidateForTraining();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var memory = Memory(shape, parameters, input, output);
        statistics.AddTo(memory, shape.Channels);
        using var before = new RunningBefore([parameters.First, parameters.Second, parameters.Third], shape.Channels);
        TrainForwardCore(shape, parameters, input, output, statistics, threads);
        if (IsExact) return;
        var (s, p, saved, running) = (shape, parameters, statistics, before);
        ExtremeChannels.Repeat(shape.Channels, threads, c => !ArePlain(saved, c) && IsFinite(s, p, input, c), c =>
        {
            running.Restore(0, p.First, c);
            running.Restore(1, p.Second, c);
            running.Restore(2, p.Third, c);
            ScalarStageKernels.TrainForwardChannel(s, p, input, output, saved, c);
        });
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
        if (IsExact) return;
        var (s, p, saved, g) = (shape, parameters, statistics, gradients);
        ExtremeChannels.Repeat(
            shape.Channels, threads,
            c => !((frozen || ArePlain(saved, c)) && ArePlain(g, c)) && (frozen || IsFinite(s, p, input, c)),
            c => ScalarStageKernels.BackwardChannel(s, p, input, outputGradient, saved, g, frozen, c));
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
    public void TrainForward(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output,
        in BatchNormStatistics statistics,
        int threads)
    {
        shape.ValidateForTraining();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var memory = Memory(shape, parameters, input, output);
        statistics.AddTo(memory, shape.Channels);
        using var before = new RunningBefore([parameters.Norm], shape.Channels);
        TrainForwardCore(shape, parameters, input, output, statistics, threads);
        if (IsExact) return;
        var (s, p, saved, running) = (shape, parameters, statistics, before);
        ExtremeChannels.Repeat(shape.Channels, threads, c => !ExtremeChannels.IsPlain(saved, c) && IsFinite(s, p, input, c), c =>
        {
            running.Restore(0, p.Norm, c);
            ScalarStageKernels.TrainForwardChannel(s, p, input, output, saved, c);
        });
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
        if (IsExact) return;
        var (s, p, saved, g) = (shape, parameters, statistics, gradients);
        ExtremeChannels.Repeat(
            shape.Channels, threads,
            c => !((frozen || ExtremeChannels.IsPlain(saved, c)) && ExtremeChannels.IsPlain(g.Norm, c))
            && (frozen || IsFinite(s, p, input, c)),
            c => ScalarStageKernels.BackwardChannel(s, p, input, outputGradient, saved, g, frozen, c));
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

    private static bool ArePlain(in XSepStageStatistics statistics, int c) =>
        ExtremeChannels.IsPlain(statistics.First, c) && ExtremeChannels.IsPlain(statistics.Second, c)
        && ExtremeChannels.IsPlain(statistics.Third, c);

    private static bool ArePlain(in XSepStageGradients gradients, int c) =>
        ExtremeChannels.IsPlain(gradients.First, c) && ExtremeChannels.IsPlain(gradients.Second, c)
        && ExtremeChannels.IsPlain(gradients.Third, c);

    // Of a value that is none, everything in its channel is none, here as in torch: nothing is gained by computing it again.
    private static bool IsFinite(in XSepStageShape shape, in XSepStageParameters parameters, float* input, int c) =>
        ExtremeChannels.AreFinite(parameters.TwoByTwo, 4, c) && ExtremeChannels.AreFinite(parameters.Horizontal, shape.Kernel, c)
        && ExtremeChannels.AreFinite(parameters.Vertical, shape.Kernel, c)
        && ExtremeChannels.IsFinite(input, shape.Batch, shape.Channels, shape.InputPlane, c);

    private static bool IsFinite(in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, int c) =>
        ExtremeChannels.AreFinite(parameters.Weights, shape.Kernel * shape.Kernel, c)
        && ExtremeChannels.IsFinite(input, shape.Batch, shape.Channels, shape.InputPlane, c);

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
