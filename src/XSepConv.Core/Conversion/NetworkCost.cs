using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Parameters and MACs of a network as far as they can be counted.</summary>
/// <param name="Parameters">Trainable values, each once.</param>
/// <param name="Macs">Multiply-accumulates; null where a layer can't be counted.</param>
internal sealed record NetworkCost(long Parameters, long? Macs, string? NotCounted)
{
    public static NetworkCost Of(nn.Module<Tensor, Tensor> network, long[] input)
    {
        var parameters = network.parameters().Sum(parameter => parameter.numel());
        try
        {
            return new(parameters, ModelProfile.Of(network, input).Macs, null);
        }
        catch (NotSupportedException e)
        {
            return new(parameters, null, e.Message);
        }
    }
}
