namespace XSepConv.Kernels;

/// <summary>The nonlinearities in float64, one value at a time; none where null.</summary>
internal static unsafe class ScalarActivation
{
    public static double Apply(Activation? activation, double z)
    {
        var result = z;
        if (activation is { } known) ActivationTypes.Run(known, new ApplyCall(z, &result));
        return result;
    }

    public static double Backward(Activation? activation, double z, double gradient)
    {
        var result = gradient;
        if (activation is { } known) ActivationTypes.Run(known, new BackwardCall(z, gradient, &result));
        return result;
    }

    private readonly struct ApplyCall(double z, double* result) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation => *result = TActivation.Apply(z);
    }

    private readonly struct BackwardCall(double z, double gradient, double* result) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation => *result = TActivation.Backward(z, gradient);
    }
}
