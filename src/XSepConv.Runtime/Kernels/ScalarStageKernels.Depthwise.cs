namespace XSepConv.Kernels;

internal sealed unsafe partial class ScalarStageKernels
{
    protected override void TrainForwardCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output, in BatchNormStatistics statistics, int threads)
    {
        var (s, p, saved) = (shape, parameters, statistics);
        ForChannels(s.Channels, threads, channel =>
        {
            var stage = new ScalarDepthwiseChannel(s, p, channel);
            stage.Convolve(input);
            Measured(ref stage.Norm, stage.Values, p.Norm, saved, channel);
            stage.WriteOutput(output);
        });
    }

    protected override void BackwardCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* outputGradient, in BatchNormStatistics statistics,
        in DepthwiseStageGradients gradients, bool frozen, int threads)
    {
        var (s, p, saved, g) = (shape, parameters, statistics, gradients);
        ForChannels(s.Channels, threads, channel =>
        {
            var stage = new ScalarDepthwiseChannel(s, p, channel);
            stage.Norm.Use(saved.Mean[channel], saved.InverseStd[channel]);
            stage.Convolve(input);
            stage.Backward(input, outputGradient, g, frozen);
        });
    }

    protected override void InferCore(in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output, int threads)
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
