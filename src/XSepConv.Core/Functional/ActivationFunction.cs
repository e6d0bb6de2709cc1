using static TorchSharp.torch;

namespace XSepConv;

/// <summary>An <see cref="Activation"/> as a function on tensors.</summary>
internal static class ActivationFunction
{
    public static Tensor Apply(this Activation activation, Tensor x) => activation switch
    {
        Activation.ReLU => nn.functional.relu(x),
        Activation.HSwish => nn.functional.hardswish(x),
        Activation.ReLU6 => nn.functional.relu6(x),
        Activation.SiLU => nn.functional.silu(x),
        _ => throw EnumValues.Unknown(activation),
    };
}
