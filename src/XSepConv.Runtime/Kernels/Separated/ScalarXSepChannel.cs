namespace XSepConv.Kernels;

/// <summary>One channel of the XSepConv stage in clear loops. Maps are [N, rows, columns].</summary>
internal sealed unsafe class ScalarXSepChannel
{
    private readonly XSepStageShape _shape;
    private readonly int _channel;
    private readonly int _top;
    private readonly int _left;
    private readonly double[] _twoByTwo;
    private readonly double[] _horizontal;
    private readonly double[] _vertical;
    private readonly double[] _input;

    public ScalarNorm FirstNorm;
    public ScalarNorm SecondNorm;
    public ScalarNorm ThirdNorm;

    public ScalarXSepChannel(in XSepStageShape shape, in XSepStageParameters parameters, int channel)
    {
        _shape = shape;
        _channel = channel;
        var padding = shape.Padding.ForChannel(channel, shape.Channels);
        _top = !shape.Prepadded && padding.IsTop() ? 1 : 0;
        _left = !shape.Prepadded && padding.IsLeft() ? 1 : 0;
        _twoByTwo = Weights(parameters.TwoByTwo, 4);
        _horizontal = Weights(parameters.Horizontal, shape.Kernel);
        _vertical = Weights(parameters.Vertical, shape.Kernel);
        FirstNorm = new ScalarNorm(parameters.First, channel);
        SecondNorm = new ScalarNorm(parameters.Second, channel);
        ThirdNorm = new ScalarNorm(parameters.Third, channel);
        _input = new double[shape.Batch * shape.InputPlane];
        First = new double[shape.Batch * shape.Height * shape.Width];
        Second = new double[shape.Batch * shape.MiddlePlane];
        Third = new double[shape.Batch * shape.OutputPlane];
    }

    /// <summary>What the 2×2 gives.</summary>
    public double[] First { get; }

    /// <summary>What the 1×K gives.</summary>
    public double[] Second { get; }

    /// <summary>What the K×1 gives.</summary>
    public double[] Third { get; }

    public void ReadInput(float* input) => Read(input, _input, _shape.InputPlane);

    public void ConvolveTwoByTwo() => ForTwoByTwo((to, tap, from) => First[to] += _twoByTwo[tap] * _input[from]);

    public void ConvolveHorizontal() =>
        ForHorizontal((to, tap, from) => Second[to] += _horizontal[tap] * Activate(FirstNorm.Apply(First[from])));

    public void ConvolveVertical() =>
        ForVertical((to, tap, from) => Third[to] += _vertical[tap] * Activate(SecondNorm.Apply(Second[from])));

    public void WriteOutput(float* output)
    {
        var values = new double[Third.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var z = ThirdNorm.Apply(Third[i]);
            values[i] = _shape.ActivateOutput ? Activate(z) : z;
        }

        Write(values, output, _shape.OutputPlane);
    }

    public void Backward(float* outputGradient, in XSepStageGradients gradients, bool frozen)
    {
        var third = new double[Third.Length];
        Read(outputGradient, third, _shape.OutputPlane);
        if (_shape.ActivateOutput)
        {
            for (var i = 0; i < third.Length; i++) third[i] = Through(third[i], ThirdNorm.Apply(Third[i]));
        }

        Write(gradients.Third, ThirdNorm.Backward(third, Third, frozen));
        var second = new double[Second.Length];
        var vertical = new double[_shape.Kernel];
        ForVertical((to, tap, from) =>
        {
            second[from] += _vertical[tap] * third[to];
            vertical[tap] += third[to] * Activate(SecondNorm.Apply(Second[from]));
        });
        for (var i = 0; i < second.Length; i++) second[i] = Through(second[i], SecondNorm.Apply(Second[i]));

        Write(gradients.Second, SecondNorm.Backward(second, Second, frozen));
        var first = new double[First.Length];
        var horizontal = new double[_shape.Kernel];
        ForHorizontal((to, tap, from) =>
        {
            first[from] += _horizontal[tap] * second[to];
            horizontal[tap] += second[to] * Activate(FirstNorm.Apply(First[from]));
        });
        for (var i = 0; i < first.Length; i++) first[i] = Through(first[i], FirstNorm.Apply(First[i]));

        Write(gradients.First, FirstNorm.Backward(first, First, frozen));
        var input = new double[_input.Length];
        var twoByTwo = new double[4];
        ForTwoByTwo((to, tap, from) =>
        {
            input[from] += _twoByTwo[tap] * first[to];
            twoByTwo[tap] += first[to] * _input[from];
        });

        Write(input, gradients.Input, _shape.InputPlane);
        Write(twoByTwo, gradients.TwoByTwo);
        Write(horizontal, gradients.Horizontal);
        Write(vertical, gradients.Vertical);
    }

    private void ForTwoByTwo(Action<int, int, int> visit)
    {
        for (var n = 0; n < _shape.Batch; n++)
            for (var row = 0; row < _shape.Height; row++)
                for (var column = 0; column < _shape.Width; column++)
                    for (var tap = 0; tap < 4; tap++)
                    {
                        int fromRow = row + (tap / 2) - _top, fromColumn = column + (tap % 2) - _left;
                        if (fromRow < 0 || fromRow >= _shape.InputHeight || fromColumn < 0 || fromColumn >= _shape.InputWidth) continue;
                        visit(Index(n, row, column, _shape.Height, _shape.Width), tap,
                            Index(n, fromRow, fromColumn, _shape.InputHeight, _shape.InputWidth));
                    }
    }

    private void ForHorizontal(Action<int, int, int> visit)
    {
        for (var n = 0; n < _shape.Batch; n++)
            for (var row = 0; row < _shape.Height; row++)
                for (var column = 0; column < _shape.OutputWidth; column++)
                    for (var tap = 0; tap < _shape.Kernel; tap++)
                    {
                        var from = (column * _shape.Stride) + tap - (_shape.Kernel / 2);
                        if (from < 0 || from >= _shape.Width) continue;
                        visit(Index(n, row, column, _shape.Height, _shape.OutputWidth), tap,
                            Index(n, row, from, _shape.Height, _shape.Width));
                    }
    }

    private void ForVertical(Action<int, int, int> visit)
    {
        for (var n = 0; n < _shape.Batch; n++)
            for (var row = 0; row < _shape.OutputHeight; row++)
                for (var column = 0; column < _shape.OutputWidth; column++)
                    for (var tap = 0; tap < _shape.Kernel; tap++)
                    {
                        var from = (row * _shape.Stride) + tap - (_shape.Kernel / 2);
                        if (from < 0 || from >= _shape.Height) continue;
                        visit(Index(n, row, column, _shape.OutputHeight, _shape.OutputWidth), tap,
                            Index(n, from, column, _shape.Height, _shape.OutputWidth));
                    }
    }

    private static int Index(int image, int row, int column, int height, int width) => (((image * height) + row) * width) + column;

    private double Activate(double z) => ScalarActivation.Apply(_shape.Activation, z);

    private double Through(double gradient, double z) => ScalarActivation.Backward(_shape.Activation, z, gradient);

    private double[] Weights(float* source, int taps)
    {
        var weights = new double[taps];
        for (var tap = 0; tap < taps; tap++) weights[tap] = source[(_channel * taps) + tap];
        return weights;
    }

    private void Read(float* tensor, double[] map, int plane)
    {
        for (var n = 0; n < _shape.Batch; n++)
            for (var i = 0; i < plane; i++)
            {
                map[(n * plane) + i] = tensor[(((nint)n * _shape.Channels + _channel) * plane) + i];
            }
    }

    private void Write(double[] map, float* tensor, int plane)
    {
        for (var n = 0; n < _shape.Batch; n++)
            for (var i = 0; i < plane; i++)
            {
                tensor[(((nint)n * _shape.Channels + _channel) * plane) + i] = (float)map[(n * plane) + i];
            }
    }

    private void Write(double[] weights, float* parameter)
    {
        for (var tap = 0; tap < weights.Length; tap++) parameter[(_channel * weights.Length) + tap] = (float)weights[tap];
    }

    private void Write(in BatchNormGradients gradients, (double Weight, double Bias) values)
    {
        gradients.Weight[_channel] = (float)values.Weight;
        gradients.Bias[_channel] = (float)values.Bias;
    }
}
