namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Batch normalisation in float64, with batch or given statistics, and an optional nonlinearity after it.</summary>
internal sealed class NormReference(double[] weight, double[] bias, double epsilon, Activation? activation)
{
    private Map64 _input = null!;
    private Map64 _normalised = null!;

    public double[] Mean { get; set; } = [];

    /// <summary>Biased.</summary>
    public double[] Variance { get; set; } = [];

    /// <summary>Whether the statistics are given, not measured.</summary>
    public bool Frozen { get; set; }

    public Sum64 WeightGradient { get; private set; } = null!;

    public Sum64 BiasGradient { get; private set; } = null!;

    /// <summary>How near any value comes to where the nonlinearity's slope jumps: there float32 may take the other side.</summary>
    public double NearestKink { get; private set; } = double.PositiveInfinity;

    public int ValuesPerChannel => _input.Batch * _input.Height * _input.Width;

    public Map64 Forward(Map64 input)
    {
        _input = input;
        if (!Frozen) Measure();
        _normalised = new Map64(input.Batch, input.Channels, input.Height, input.Width);
        var output = new Map64(input.Batch, input.Channels, input.Height, input.Width);
        ForEach((i, c) =>
        {
            _normalised.Values[i] = (input.Values[i] - Mean[c]) / Math.Sqrt(Variance[c] + epsilon);
            var z = (_normalised.Values[i] * weight[c]) + bias[c];
            output.Values[i] = Activate(z);
            double[] kinks = activation switch
            {
                Activation.ReLU => [0],
                Activation.HSwish => [-3, 3],
                Activation.ReLU6 => [0, 6],
                _ => [],
            };
            foreach (var kink in kinks) NearestKink = Math.Min(NearestKink, Math.Abs(z - kink));
        });
        return output;
    }

    public Map64 Backward(Map64 gradient)
    {
        WeightGradient = new Sum64(weight.Length);
        BiasGradient = new Sum64(weight.Length);
        var inner = new double[gradient.Values.Length];
        ForEach((i, c) =>
        {
            inner[i] = gradient.Values[i] * Slope((_normalised.Values[i] * weight[c]) + bias[c]);
            WeightGradient.Add(c, inner[i] * _normalised.Values[i]);
            BiasGradient.Add(c, inner[i]);
        });

        var result = new Map64(gradient.Batch, gradient.Channels, gradient.Height, gradient.Width);
        double count = ValuesPerChannel;
        ForEach((i, c) =>
        {
            var direct = weight[c] / Math.Sqrt(Variance[c] + epsilon);
            var centred = Frozen ? inner[i]
                : inner[i] - (BiasGradient.Values[c] / count) - (_normalised.Values[i] * WeightGradient.Values[c] / count);
            result.Values[i] = direct * centred;
        });
        return result;
    }

    private void Measure()
    {
        Mean = new double[_input.Channels];
        Variance = new double[_input.Channels];
        ForEach((i, c) => Mean[c] += _input.Values[i] / ValuesPerChannel);
        ForEach((i, c) => Variance[c] += Math.Pow(_input.Values[i] - Mean[c], 2) / ValuesPerChannel);
    }

    private double Activate(double z) => activation switch
    {
        Activation.ReLU => z < 0 ? 0 : z,
        Activation.HSwish => z <= -3 ? 0 : z >= 3 ? z : z * (z + 3) / 6,
        Activation.ReLU6 => z < 0 ? 0 : z > 6 ? 6 : z,
        Activation.SiLU => z / (1 + Math.Exp(-z)),
        _ => z,
    };

    private double Slope(double z) => activation switch
    {
        Activation.ReLU => z > 0 ? 1 : 0,
        Activation.HSwish => z <= -3 ? 0 : z >= 3 ? 1 : ((2 * z) + 3) / 6,
        Activation.ReLU6 => z > 0 && z < 6 ? 1 : 0,
        // (z / (1 + e⁻ᶻ))′ by the quotient rule.
        Activation.SiLU => (1 + Math.Exp(-z) + (z * Math.Exp(-z))) / Math.Pow(1 + Math.Exp(-z), 2),
        _ => 1,
    };

    private void ForEach(Action<int, int> visit)
    {
        var plane = _input.Height * _input.Width;
        for (var i = 0; i < _input.Values.Length; i++) visit(i, i / plane % _input.Channels);
    }
}
