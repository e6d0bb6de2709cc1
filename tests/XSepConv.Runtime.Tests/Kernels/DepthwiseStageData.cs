using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Random arguments of a depthwise stage, and what a kernel made of them.</summary>
internal sealed unsafe class DepthwiseStageData
{
    public DepthwiseStageData(DepthwiseStageShape shape, int seed, double epsilon)
    {
        var random = new Random(seed);
        Shape = shape;
        Epsilon = epsilon;
        var channels = shape.Channels;
        Input = Draws.Normal(random, shape.Batch * channels * shape.InputPlane, 0.3, 1);
        OutputGradient = Draws.Normal(random, shape.Batch * channels * shape.OutputPlane, 0.1, 1);
        Weights = Draws.Normal(random, channels * shape.Kernel * shape.Kernel, 0.1, 1.0 / shape.Kernel);
        NormWeight = Draws.Normal(random, channels, 1, 0.4);
        NormBias = Draws.Normal(random, channels, 0, 0.5);
        RunningMean = Draws.Normal(random, channels, 0, 0.5);
        RunningVariance = [.. Draws.Normal(random, channels, 0, 0.5).Select(value => 0.2f + (value * value))];
        Mean = new float[channels];
        InverseStd = new float[channels];
        Output = new float[OutputGradient.Length];
        InputGradient = new float[Input.Length];
        WeightGradient = new float[Weights.Length];
        NormWeightGradient = new float[channels];
        NormBiasGradient = new float[channels];
    }

    public DepthwiseStageShape Shape { get; }

    public double Epsilon { get; }

    public double Momentum => 0.3;

    /// <summary>Whether arrays lie before a page that may not be touched, or behind one; null for neither.</summary>
    public bool? GuardedAtEnd { get; init; }

    public float[] Input { get; }

    public float[] OutputGradient { get; }

    public float[] Weights { get; }

    public float[] NormWeight { get; }

    public float[] NormBias { get; }

    public float[] RunningMean { get; }

    public float[] RunningVariance { get; }

    public float[] Output { get; }

    public float[] Mean { get; }

    public float[] InverseStd { get; private set; }

    public float[] InputGradient { get; }

    public float[] WeightGradient { get; }

    public float[] NormWeightGradient { get; }

    public float[] NormBiasGradient { get; }

    public Map64 Input64 => Map64.From(Input, Shape.Batch, Shape.Channels, Shape.Height, Shape.Width);

    public Map64 OutputGradient64 => Map64.From(OutputGradient, Shape.Batch, Shape.Channels, Shape.OutputHeight, Shape.OutputWidth);

    /// <summary>Statistics of inference and its backward: the running ones.</summary>
    public void FreezeStatistics()
    {
        RunningMean.CopyTo(Mean, 0);
        InverseStd = [.. RunningVariance.Select(v => (float)(1 / Math.Sqrt(v + Epsilon)))];
    }

    public void TrainForward(StageKernels kernels, int threads = 1) =>
        Assert.True(TryTrainForward(kernels, threads), "Statistics are out of range.");

    public bool TryTrainForward(StageKernels kernels, int threads = 1)
    {
        using var pins = new Pins(GuardedAtEnd);
        return kernels.TrainForward(Shape, Parameters(pins), pins.Of(Input), pins.Of(Output), Statistics(pins), threads);
    }

    public void Backward(StageKernels kernels, bool frozen = false, int threads = 1)
    {
        using var pins = new Pins(GuardedAtEnd);
        var gradients = new DepthwiseStageGradients
        {
            Input = pins.Of(InputGradient),
            Weights = pins.Of(WeightGradient),
            Norm = new() { Weight = pins.Of(NormWeightGradient), Bias = pins.Of(NormBiasGradient) },
        };
        kernels.Backward(Shape, Parameters(pins), pins.Of(Input), pins.Of(OutputGradient), Statistics(pins), gradients, frozen, threads);
    }

    public void Infer(StageKernels kernels, int threads = 1)
    {
        using var pins = new Pins(GuardedAtEnd);
        kernels.Infer(Shape, Parameters(pins), pins.Of(Input), pins.Of(Output), threads);
    }

    /// <summary>Everything that training writes, for comparison bit by bit.</summary>
    public float[] AllResults() =>
    [
        .. Output, .. InputGradient, .. WeightGradient, .. Mean, .. InverseStd, .. RunningMean, .. RunningVariance, .. NormWeightGradient,
        .. NormBiasGradient,
    ];

    private DepthwiseStageParameters Parameters(Pins pins) => new()
    {
        Weights = pins.Of(Weights),
        Norm = new()
        {
            Weight = pins.Of(NormWeight),
            Bias = pins.Of(NormBias),
            RunningMean = pins.Of(RunningMean),
            RunningVariance = pins.Of(RunningVariance),
            Epsilon = Epsilon,
            Momentum = Momentum,
        },
    };

    private BatchNormStatistics Statistics(Pins pins) => new() { Mean = pins.Of(Mean), InverseStd = pins.Of(InverseStd) };
}
