namespace XSepConv.Kernels;

/// <summary>
/// The stages in clear loops, one channel at a time, float64 inside: where <c>XSEPCONV_KERNEL=scalar</c> asks for it. Nothing here is fast. Tests hold it, like every width, to a reference of their own.
/// </summary>
internal sealed unsafe partial class ScalarStageKernels : StageKernels
{
    public override string Name => "scalar";

    public override bool IsAccelerated => true;

    public override bool InfersPlanes(in XSepStageShape shape) => true;

    protected override void TrainForwardCore(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, in XSepStageStatistics statistics,
        int threads)
    {
        var (s, p, saved) = (shape, parameters, statistics);
        ForChannels(s.Channels, threads, channel => TrainForwardChannel(s, p, input, output, saved, channel));
    }

    /// <summary>Training's forward of one channel.</summary>
    public static void TrainForwardChannel(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, in XSepStageStatistics statistics,
        int channel)
    {
        var stage = new ScalarXSepChannel(shape, parameters, channel);
        stage.ReadInput(input);
        stage.ConvolveTwoByTwo();
        Measured(ref stage.FirstNorm, stage.First, parameters.First, statistics.First, channel);
        stage.ConvolveHorizontal();
        Measured(ref stage.SecondNorm, stage.Second, parameters.Second, statistics.Second, channel);
        stage.ConvolveVertical();
        Measured(ref stage.ThirdNorm, stage.Third, parameters.Third, statistics.Third, channel);
        stage.WriteOutput(output);
    }

    protected override void BackwardCore(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* outputGradient, in XSepStageStatistics statistics,
        in XSepStageGradients gradients, bool frozen, int threads)
    {
        var (s, p, saved, g) = (shape, parameters, statistics, gradients);
        ForChannels(s.Channels, threads, channel => BackwardChannel(s, p, input, outputGradient, saved, g, frozen, channel));
    }

    /// <summary>Gradients of one channel.</summary>
    public static void BackwardChannel(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* outputGradient, in XSepStageStatistics statistics,
        in XSepStageGradients gradients, bool frozen, int channel)
    {
        var stage = new ScalarXSepChannel(shape, parameters, channel);
        stage.FirstNorm.Use(statistics.First.Mean[channel], statistics.First.InverseStd[channel]);
        stage.SecondNorm.Use(statistics.Second.Mean[channel], statistics.Second.InverseStd[channel]);
        stage.ThirdNorm.Use(statistics.Third.Mean[channel], statistics.Third.InverseStd[channel]);
        stage.ReadInput(input);
        stage.ConvolveTwoByTwo();
        stage.ConvolveHorizontal();
        stage.ConvolveVertical();
        stage.Backward(outputGradient, gradients, frozen);
    }

    protected override void InferCore(in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, int threads)
    {
        var (s, p) = (shape, parameters);
        ForChannels(s.Channels, threads, channel =>
        {
            var stage = new ScalarXSepChannel(s, p, channel);
            Running(ref stage.FirstNorm, p.First, channel);
            Running(ref stage.SecondNorm, p.Second, channel);
            Running(ref stage.ThirdNorm, p.Third, channel);
            stage.ReadInput(input);
            stage.ConvolveTwoByTwo();
            stage.ConvolveHorizontal();
            stage.ConvolveVertical();
            stage.WriteOutput(output);
        });
    }

    private static void Measured(ref ScalarNorm norm, double[] values, in BatchNormParameters parameters,
        in BatchNormStatistics statistics, int channel)
    {
        var (mean, variance) = ScalarNorm.Measure(values);
        norm.Use(mean, 1 / Math.Sqrt(variance + parameters.Epsilon));
        statistics.Mean[channel] = (float)norm.Mean;
        statistics.InverseStd[channel] = (float)norm.InverseStd;
        RunningStatistics.Update(parameters, channel, mean, variance, values.Length);
    }

    private static void Running(ref ScalarNorm norm, in BatchNormParameters parameters, int channel) =>
        norm.Use(parameters.RunningMean[channel], 1 / Math.Sqrt(parameters.RunningVariance[channel] + parameters.Epsilon));

    private static void ForChannels(int channels, int threads, Action<int> run) =>
        Parallel.For(0, channels, new ParallelOptions { MaxDegreeOfParallelism = threads }, run);
}
