namespace XSepConv.Kernels;

/// <summary>What is compiled once for each nonlinearity.</summary>
internal interface IActivationCall
{
    void Run<TActivation>()
        where TActivation : struct, IActivation;
}

/// <summary>Where an enum's value becomes a type; the only place that has to know all of them.</summary>
internal static class ActivationTypes
{
    public static void Run<TCall>(Activation activation, in TCall call)
        where TCall : struct, IActivationCall => Run(OfTile(activation), call);

    public static void Run<TCall>(TileActivation activation, in TCall call)
        where TCall : struct, IActivationCall
    {
        switch (activation)
        {
            case TileActivation.None: call.Run<IdentityActivation>(); break;
            case TileActivation.ReLU: call.Run<ReluActivation>(); break;
            case TileActivation.HSwish: call.Run<HSwishActivation>(); break;
            case TileActivation.HSigmoid: call.Run<HSigmoidActivation>(); break;
            case TileActivation.ReLU6: call.Run<Relu6Activation>(); break;
            case TileActivation.SiLU: call.Run<SiluActivation>(); break;
            default: throw EnumValues.Unknown(activation);
        }
    }

    public static TileActivation OfTile(Activation activation) => activation switch
    {
        Activation.ReLU => TileActivation.ReLU,
        Activation.HSwish => TileActivation.HSwish,
        Activation.ReLU6 => TileActivation.ReLU6,
        Activation.SiLU => TileActivation.SiLU,
        _ => throw EnumValues.Unknown(activation),
    };
}
