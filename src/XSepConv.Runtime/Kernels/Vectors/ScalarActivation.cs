namespace XSepConv.Kernels;

/// <summary>The nonlinearities in float64, one value at a time.</summary>
internal static class ScalarActivation
{
    public static double Apply(Activation? activation, double z) => activation switch
    {
        null => z,
        Activation.ReLU => Math.Max(z, 0),
        Activation.HSwish => z * Math.Clamp(z + 3, 0, 6) / 6,
        Activation.ReLU6 => Math.Clamp(z, 0, 6),
        Activation.SiLU => z * Sigmoid(z),
        { } unknown => throw EnumValues.Unknown(unknown),
    };

    /// <summary>The gradient before the nonlinearity. As in torch, where the value is no number ReLU and hswish let it pass, and ReLU6 does not.</summary>
    public static double Backward(Activation? activation, double z, double gradient) => activation switch
    {
        null => gradient,
        Activation.ReLU => z <= 0 ? 0 : gradient,
        Activation.HSwish => WhereSloped((Math.Clamp(z + 3, 0, 6) / 6) + (Math.Abs(z) < 3 ? z / 6 : 0), gradient),
        Activation.ReLU6 => z is > 0 and < 6 ? gradient : 0,
        Activation.SiLU => gradient * Sigmoid(z) * (1 + (z * (1 - Sigmoid(z)))),
        { } unknown => throw EnumValues.Unknown(unknown),
    };

    private static double Sigmoid(double z) => 1 / (1 + Math.Exp(-z));

    // Nothing where it is flat, even of a gradient that is no number.
    private static double WhereSloped(double slope, double gradient) => slope == 0 ? 0 : gradient * slope;
}
