namespace XSepConv.Kernels;

/// <summary>The fused stages in one vector width. Tensors are float32, contiguous NCHW; results are the same bits for every thread count.</summary>
internal abstract unsafe class StageKernels
{
    /// <summary>As <c>XSEPCONV_KERNEL</c> names it.</summary>
    public abstract string Name { get; }

    /// <summary>Planes worked on at a time.</summary>
    public abstract int Lanes { get; }

    /// <summary>Whether this processor has the width in hardware; otherwise the runtime emulates it, correct and slow.</summary>
    public abstract bool IsAccelerated { get; }

    /// <summary>Whether every number is computed in float64.</summary>
    protected virtual bool IsExact => false;

    /// <summary>Whether inference takes planes as they lie, and nothing of it but input and output leaves the first cache.</summary>
    public abstract bool InfersPlanes(in XSepStageShape shape);

    /// <summary>Forward with batch statistics, which it leaves in <paramref name="statistics"/> and in the running buffers.</summary>
    public void TrainForward(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, in XSepStageStatistics statistics, int threads)
    {
        shape.ValidateForTraining();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var before = new RunningBefore([parameters.First, parameters.Second, parameters.Third], shape.Channels);
        TrainForwardCore(shape, parameters, input, output, statistics, threads);
        if (IsExact) return;
        List<int>? extreme = null;
        for (var c = 0; c < shape.Channels; c++)
        {
            if (ArePlain(statistics, c) || !IsFinite(shape, parameters, input, c)) continue;
            before.Restore(0, parameters.First, c);
            before.Restore(1, parameters.Second, c);
            before.Restore(2, parameters.Third, c);
            (extreme ??= []).Add(c);
        }

        if (extreme is null) return;
        var (s, p, saved) = (shape, parameters, statistics);
        ExtremeChannels.Run(extreme, threads, c => ScalarStageKernels.TrainForwardChannel(s, p, input, output, saved, c));
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
        BackwardCore(shape, parameters, input, outputGradient, statistics, gradients, frozen, threads);
        if (IsExact) return;
        List<int>? extreme = null;
        for (var c = 0; c < shape.Channels; c++)
        {
            var plain = (frozen || ArePlain(statistics, c))
                && ExtremeChannels.IsPlain(gradients.First, c) && ExtremeChannels.IsPlain(gradients.Second, c) && ExtremeChannels.IsPlain(gradients.Third, c);
            if (!plain && (frozen || IsFinite(shape, parameters, input, c))) (extreme ??= []).Add(c);
        }

        if (extreme is null) return;
        var (s, p, saved, g) = (shape, parameters, statistics, gradients);
        ExtremeChannels.Run(extreme, threads, c => ScalarStageKernels.BackwardChannel(s, p, input, outputGradient, saved, g, frozen, c));
    }

    private static bool ArePlain(in XSepStageStatistics statistics, int c) =>
        ExtremeChannels.IsPlain(statistics.First, c) && ExtremeChannels.IsPlain(statistics.Second, c) && ExtremeChannels.IsPlain(statistics.Third, c);

    // Of a value that is none, everything in its channel is none, here as in torch: nothing is gained by computing it again.
    private static bool IsFinite(in XSepStageShape shape, in XSepStageParameters parameters, float* input, int c) =>
        ExtremeChannels.AreFinite(parameters.TwoByTwo, 4, c) && ExtremeChannels.AreFinite(parameters.Horizontal, shape.Kernel, c)
        && ExtremeChannels.AreFinite(parameters.Vertical, shape.Kernel, c)
        && ExtremeChannels.IsFinite(input, shape.Batch, shape.Channels, shape.InputPlane, c);

    /// <summary>Forward with the running statistics.</summary>
    public void Infer(in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, int threads)
    {
        shape.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        InferCore(shape, parameters, input, output, threads);
    }

    /// <summary>Forward with batch statistics, which it leaves in <paramref name="statistics"/> and in the running buffers.</summary>
    public void TrainForward(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output, in BatchNormStatistics statistics, int threads)
    {
        shape.ValidateForTraining();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using var before = new RunningBefore([parameters.Norm], shape.Channels);
        TrainForwardCore(shape, parameters, input, output, statistics, threads);
        if (IsExact) return;
        List<int>? extreme = null;
        for (var c = 0; c < shape.Channels; c++)
        {
            if (ExtremeChannels.IsPlain(statistics, c) || !IsFinite(shape, parameters, input, c)) continue;
            before.Restore(0, parameters.Norm, c);
            (extreme ??= []).Add(c);
        }

        if (extreme is null) return;
        var (s, p, saved) = (shape, parameters, statistics);
        ExtremeChannels.Run(extreme, threads, c => ScalarStageKernels.TrainForwardChannel(s, p, input, output, saved, c));
    }

    /// <summary>Gradients, recomputing the forward from <paramref name="input"/>.</summary>
    /// <param name="frozen">The statistics are constants (running ones), not functions of the input.</param>
    public void Backward(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* outputGradient, in BatchNormStatistics statistics,
        in DepthwiseStageGradients gradients, bool frozen, int threads)
    {
        if (frozen) shape.Validate();
        else shape.ValidateForTraining();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        BackwardCore(shape, parameters, input, outputGradient, statistics, gradients, frozen, threads);
        if (IsExact) return;
        List<int>? extreme = null;
        for (var c = 0; c < shape.Channels; c++)
        {
            var plain = (frozen || ExtremeChannels.IsPlain(statistics, c)) && ExtremeChannels.IsPlain(gradients.Norm, c);
            if (!plain && (frozen || IsFinite(shape, parameters, input, c))) (extreme ??= []).Add(c);
        }

        if (extreme is null) return;
        var (s, p, saved, g) = (shape, parameters, statistics, gradients);
        ExtremeChannels.Run(extreme, threads, c => ScalarStageKernels.BackwardChannel(s, p, input, outputGradient, saved, g, frozen, c));
    }

    private static bool IsFinite(in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, int c) =>
        ExtremeChannels.AreFinite(parameters.Weights, shape.Kernel * shape.Kernel, c)
        && ExtremeChannels.IsFinite(input, shape.Batch, shape.Channels, shape.InputPlane, c);

    /// <summary>Forward with the running statistics.</summary>
    public void Infer(in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output, int threads)
    {
        shape.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        InferCore(shape, parameters, input, output, threads);
    }

    protected abstract void TrainForwardCore(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, in XSepStageStatistics statistics, int threads);

    protected abstract void BackwardCore(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* outputGradient, in XSepStageStatistics statistics,
        in XSepStageGradients gradients, bool frozen, int threads);

    protected abstract void InferCore(in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, int threads);

    protected abstract void TrainForwardCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output, in BatchNormStatistics statistics, int threads);

    protected abstract void BackwardCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* outputGradient, in BatchNormStatistics statistics,
        in DepthwiseStageGradients gradients, bool frozen, int threads);

    protected abstract void InferCore(in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output, int threads);
}
