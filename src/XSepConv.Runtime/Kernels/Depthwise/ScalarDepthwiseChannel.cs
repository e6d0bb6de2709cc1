namespace XSepConv.Kernels;

/// <summary>One channel of the depthwise stage in clear loops. Maps are [N, rows, columns].</summary>
internal sealed unsafe class ScalarDepthwiseChannel
{
    private readonly DepthwiseStageShape _shape;
    private readonly int _channel;
    private readonly float* _weights;

    public ScalarNorm Norm;

    public ScalarDepthwiseChannel(in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, int channel)
    {
        _shape = shape;
        _channel = channel;
        _weights = parameters.Weights + ((nint)channel * shape.Kernel * shape.Kernel);
        Norm = new ScalarNorm(parameters.Norm, channel);
        Values = new double[shape.Batch * shape.OutputPlane];
    }

    /// <summary>What the convolution gives.</summary>
    public double[] Values { get; }

    public void Convolve(float* input) =>
        ForTaps((to, tap, from) => Values[to] += (double)_weights[tap] * input[Element(from, _shape.InputPlane)]);

    public void WriteOutput(float* output)
    {
        for (var i = 0; i < Values.Length; i++)
        {
            output[Element(i, _shape.OutputPlane)] = (float)ScalarActivation.Apply(_shape.Activation, Norm.Apply(Values[i]));
        }
    }

    public void Backward(float* input, float* outputGradient, in DepthwiseStageGradients gradients, bool frozen)
    {
        var inner = new double[Values.Length];
        for (var i = 0; i < inner.Length; i++)
        {
            inner[i] = ScalarActivation.Backward(_shape.Activation, Norm.Apply(Values[i]), outputGradient[Element(i, _shape.OutputPlane)]);
        }

        var (scale, shift) = Norm.Backward(inner, Values, frozen);
        gradients.Norm.Weight[_channel] = (float)scale;
        gradients.Norm.Bias[_channel] = (float)shift;

        var throughInput = new double[_shape.Batch * _shape.InputPlane];
        var throughWeights = new double[_shape.Kernel * _shape.Kernel];
        ForTaps((to, tap, from) =>
        {
            throughInput[from] += _weights[tap] * inner[to];
            throughWeights[tap] += inner[to] * input[Element(from, _shape.InputPlane)];
        });
        for (var i = 0; i < throughInput.Length; i++) gradients.Input[Element(i, _shape.InputPlane)] = (float)throughInput[i];
        for (var tap = 0; tap < throughWeights.Length; tap++)
        {
            gradients.Weights[(_channel * throughWeights.Length) + tap] = (float)throughWeights[tap];
        }
    }

    /// <summary>Visits every tap inside the map: index in the channel's output, its weights, its input.</summary>
    private void ForTaps(Action<int, int, int> visit)
    {
        var s = _shape;
        for (var n = 0; n < s.Batch; n++)
            for (var row = 0; row < s.OutputHeight; row++)
                for (var column = 0; column < s.OutputWidth; column++)
                    for (var tap = 0; tap < s.Kernel * s.Kernel; tap++)
                    {
                        int fromRow = (row * s.Stride) + (tap / s.Kernel) - s.Border, fromColumn = (column * s.Stride)
                            + (tap % s.Kernel) - s.Border;
                        if (fromRow < 0 || fromRow >= s.Height || fromColumn < 0 || fromColumn >= s.Width) continue;
                        var to = (((n * s.OutputHeight) + row) * s.OutputWidth) + column;
                        visit(to, tap, (((n * s.Height) + fromRow) * s.Width) + fromColumn);
                    }
    }

    /// <summary>Where element <paramref name="index"/> of the channel lies in a tensor.</summary>
    private nint Element(int index, int plane) => ((((nint)(index / plane) * _shape.Channels) + _channel) * plane) + (index % plane);
}
