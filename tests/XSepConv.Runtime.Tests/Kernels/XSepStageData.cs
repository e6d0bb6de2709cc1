using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Random arguments of a stage, and what a kernel made of them.</summary>
internal sealed unsafe class XSepStageData
{
    public XSepStageData(XSepStageShape shape, int seed, double epsilon)
    {
        var random = new Random(seed);
        Shape = shape;
        Epsilon = epsilon;
        int channels = shape.Channels;
        Input = Draws.Normal(random, shape.Batch * channels * shape.InputPlane, 0.3, 1);
        OutputGradient = Draws.Normal(random, shape.Batch * channels * shape.OutputPlane, 0.1, 1);
        TwoByTwo = Draws.Normal(random, channels * 4, 0.1, 0.5);
        Horizontal = Draws.Normal(random, channels * shape.Kernel, 0.1, 0.5);
        Vertical = Draws.Normal(random, channels * shape.Kernel, 0.1, 0.5);
        for (var i = 0; i < 3; i++)
        {
            NormWeights[i] = Draws.Normal(random, channels, 1, 0.4);
            NormBiases[i] = Draws.Normal(random, channels, 0, 0.5);
            RunningMeans[i] = Draws.Normal(random, channels, 0, 0.5);
            RunningVariances[i] = [.. Draws.Normal(random, channels, 0, 0.5).Select(value => 0.2f + (value * value))];
            Means[i] = new float[channels];
            InverseStds[i] = new float[channels];
            NormWeightGradients[i] = new float[channels];
            NormBiasGradients[i] = new float[channels];
        }

        Output = new float[OutputGradient.Length];
        InputGradient = new float[Input.Length];
        TwoByTwoGradient = new float[TwoByTwo.Length];
        HorizontalGradient = new float[Horizontal.Length];
        VerticalGradient = new float[Vertical.Length];
    }

    public XSepStageShape Shape { get; }

    public double Epsilon { get; }

    public double Momentum => 0.3;

    /// <summary>Whether arrays lie before a page that may not be touched, or behind one; null for neither.</summary>
    public bool? GuardedAtEnd { get; init; }

    public float[] Input { get; }

    public float[] OutputGradient { get; }

    public float[] TwoByTwo { get; }

    public float[] Horizontal { get; }

    public float[] Vertical { get; }

    public float[][] NormWeights { get; } = new float[3][];

    public float[][] NormBiases { get; } = new float[3][];

    public float[][] RunningMeans { get; } = new float[3][];

    public float[][] RunningVariances { get; } = new float[3][];

    public float[] Output { get; }

    public float[][] Means { get; } = new float[3][];

    public float[][] InverseStds { get; } = new float[3][];

    public float[] InputGradient { get; }

    public float[] TwoByTwoGradient { get; }

    public float[] HorizontalGradient { get; }

    public float[] VerticalGradient { get; }

    public float[][] NormWeightGradients { get; } = new float[3][];

    public float[][] NormBiasGradients { get; } = new float[3][];

    public Map64 Input64 => Map64.From(Input, Shape.Batch, Shape.Channels, Shape.InputHeight, Shape.InputWidth);

    public Map64 OutputGradient64 => Map64.From(OutputGradient, Shape.Batch, Shape.Channels, Shape.OutputHeight, Shape.OutputWidth);

    /// <summary>Statistics of inference and its backward: the running ones.</summary>
    public void FreezeStatistics()
    {
        for (var i = 0; i < 3; i++)
        {
            RunningMeans[i].CopyTo(Means[i], 0);
            InverseStds[i] = [.. RunningVariances[i].Select(v => (float)(1 / Math.Sqrt(v + Epsilon)))];
        }
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
        var gradients = new XSepStageGradients
        {
            Input = pins.Of(InputGradient),
            TwoByTwo = pins.Of(TwoByTwoGradient),
            Horizontal = pins.Of(HorizontalGradient),
            Vertical = pins.Of(VerticalGradient),
            First = new() { Weight = pins.Of(NormWeightGradients[0]), Bias = pins.Of(NormBiasGradients[0]) },
            Second = new() { Weight = pins.Of(NormWeightGradients[1]), Bias = pins.Of(NormBiasGradients[1]) },
            Third = new() { Weight = pins.Of(NormWeightGradients[2]), Bias = pins.Of(NormBiasGradients[2]) },
        };
        kernels.Backward(Shape, Parameters(pins), pins.Of(Input), pins.Of(OutputGradient), Statistics(pins), gradients, frozen, threads);
    }

    public void Infer(StageKernels kernels, int threads = 1)
    {
        using var pins = new Pins(GuardedAtEnd);
        kernels.Infer(Shape, Parameters(pins), pins.Of(Input), pins.Of(Output), threads);
    }

    /// <summary>The same, with input and output in memory that the caller gives.</summary>
    public void Infer(StageKernels kernels, float* input, float* output, int threads = 1)
    {
        using var pins = new Pins(GuardedAtEnd);
        kernels.Infer(Shape, Parameters(pins), input, output, threads);
    }

    /// <summary>Everything that training writes, for comparison bit by bit.</summary>
    public float[] AllResults() =>
    [
        .. Output, .. InputGradient, .. TwoByTwoGradient, .. HorizontalGradient, .. VerticalGradient,
        .. Means.SelectMany(x => x), .. InverseStds.SelectMany(x => x), .. RunningMeans.SelectMany(x => x),
        .. RunningVariances.SelectMany(x => x),
        .. NormWeightGradients.SelectMany(x => x), .. NormBiasGradients.SelectMany(x => x),
    ];

    private XSepStageParameters Parameters(Pins pins) => new()
    {
        TwoByTwo = pins.Of(TwoByTwo),
        Horizontal = pins.Of(Horizontal),
        Vertical = pins.Of(Vertical),
        First = Norm(pins, 0),
        Second = Norm(pins, 1),
        Third = Norm(pins, 2),
    };

    private BatchNormParameters Norm(Pins pins, int i) => new()
    {
        Weight = pins.Of(NormWeights[i]),
        Bias = pins.Of(NormBiases[i]),
        RunningMean = pins.Of(RunningMeans[i]),
        RunningVariance = pins.Of(RunningVariances[i]),
        Epsilon = Epsilon,
        Momentum = Momentum,
    };

    private XSepStageStatistics Statistics(Pins pins) => new()
    {
        First = new() { Mean = pins.Of(Means[0]), InverseStd = pins.Of(InverseStds[0]) },
        Second = new() { Mean = pins.Of(Means[1]), InverseStd = pins.Of(InverseStds[1]) },
        Third = new() { Mean = pins.Of(Means[2]), InverseStd = pins.Of(InverseStds[2]) },
    };
}
