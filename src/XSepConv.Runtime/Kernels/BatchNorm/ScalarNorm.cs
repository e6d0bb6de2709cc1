namespace XSepConv.Kernels;

/// <summary>One channel's batch normalisation in float64.</summary>
internal unsafe struct ScalarNorm(in BatchNormParameters parameters, int channel)
{
    private readonly double _weight = parameters.Weight[channel];
    private readonly double _bias = parameters.Bias[channel];

    public double Mean { get; private set; }

    public double InverseStd { get; private set; }

    public static (double Mean, double Variance) Measure(double[] values)
    {
        double sum = 0, squares = 0;
        foreach (var value in values) sum += value;
        var mean = sum / values.Length;
        foreach (var value in values) squares += (value - mean) * (value - mean);
        return (mean, squares / values.Length);
    }

    public void Use(double mean, double inverseStd)
    {
        Mean = mean;
        InverseStd = inverseStd;
    }

    public readonly double Apply(double value) => ((value - Mean) * InverseStd * _weight) + _bias;

    /// <summary>Turns the gradient after into the gradient before, in place; returns the gradients of scale and shift.</summary>
    public readonly (double Weight, double Bias) Backward(double[] gradient, double[] values, bool frozen)
    {
        double weight = 0, bias = 0;
        for (var i = 0; i < values.Length; i++)
        {
            weight += gradient[i] * (values[i] - Mean) * InverseStd;
            bias += gradient[i];
        }

        for (var i = 0; i < values.Length; i++)
        {
            var normalised = (values[i] - Mean) * InverseStd;
            var throughStatistics = frozen ? 0 : (bias + (normalised * weight)) / values.Length;
            gradient[i] = _weight * InverseStd * (gradient[i] - throughStatistics);
        }

        return (weight, bias);
    }
}
