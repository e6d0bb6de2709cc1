namespace XSepConv.Kernels;

internal sealed unsafe partial class ScalarStageKernels
{
    protected override void TrainForwardCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output,
        in BatchNormStatistics statistics, int threads)
    {
        var (s, p, saved) = (shape, parameters, statistics);
        ForChannels(s.Channels, threads, channel => TrainForwardChannel(s, p, input, output, saved, channel));
    }

    /// <summary>Training's forward of one channel.</summary>
    public static void TrainForwardChannel(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output,
        in BatchNormStatistics statistics, int channel)
    {
        var stage = new ScalarDepthwiseChannel(shape, parameters, channel);
        stage.Convolve(input);
        Measured(ref stage.Norm, stage.Values, parameters.Norm, statistics, channel);
        stage.WriteOutput(output);
    }

    protected override void BackwardCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* outputGradient,
        in BatchNormStatistics statistics,
        in DepthwiseStageGradients gradients, bool frozen, int threads)
    {
        var (s, p, saved, g) = (shape, parameters, statistics, gradients);
        ForChannels(s.Channels, threads, channel => BackwardChannel(s, p, input, outputGradient, saved, g, frozen, channel));
    }

    /// <summary>Gradients of one channel.</summary>
    public static void BackwardChannel(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* outputGradient,
        in BatchNormStatistics statistics,
        in DepthwiseStageGradients gradients, bool frozen, int channel)
    {
        var stage = new ScalarDepthwiseChannel(shape, parameters, channel);
        stage.Norm.Use(statistics.Mean[channel], statistics.InverseStd[channel]);
        stage.Convolve(input);
        stage.Backward(input, outputGradient, gradients, frozen);
    }

    protected override void InferCore(in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output,
        int threads)
    {
        var (s, p) = (shape, parameters);
        ForChannels(s.Channels, threads, channel =>
        {
            var stage = new ScalarDepthwiseChannel(s, p, channel);
            Running(ref stage.Norm, p.Norm, channel);
            stage.Convolve(input);
            stage.WriteOutput(output);
        });
    }
}
