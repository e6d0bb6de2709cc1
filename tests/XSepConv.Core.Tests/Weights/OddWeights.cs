using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>A network with a matrix of all magnitudes, and what else a type rounds in a way of its own.</summary>
internal static class OddWeights
{
    public static XSepMobileNetV3Small Network(Action<Tensor> special)
    {
        manual_seed(5);
        var network = new XSepMobileNetV3Small(new MobileNetV3Options { NumClasses = 3, Preset = ImagePreset.Cifar, Width = 0.1 });
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var values = network.state_dict()["linear3.weight"];
        values.copy_(randn_like(values) * pow(10, (rand_like(values) * 12) - 9));
        special(values);
        return network;
    }
}
