using XSepConv.Core.Tests.Inference;
using XSepConv.Layers;

namespace XSepConv.Core.Tests.Models;

/// <summary>The modules are written by hand, the layers are what everything else reads: they describe the same network.</summary>
public sealed class LayersTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_layers_of_a_random_network_have_the_modules_tensors_and_counts(int seed)
    {
        var (spec, height, width) = RandomNetworks.Spec(seed);
        Compare(spec, height, width);
    }

    [Fact]
    public void So_have_those_of_the_networks_of_the_catalog()
    {
        foreach (var options in new MobileNetV3Options[] { new(), new() { Preset = ImagePreset.Cifar, Width = 0.5, Kernels = [31, 29, 27, 13] } })
        {
            foreach (var name in NetworkCatalog.Names) Compare(NetworkCatalog.Build(name, options), 64, 61);
        }
    }

    // What the module holds, and what a run of it shows, layer by layer.
    private static void Compare(NetworkSpec spec, int height, int width)
    {
        using var network = new MobileNet(spec);
        Assert.Equal(
            network.state_dict().Select(entry => $"{entry.Key} {Shape(entry.Value.shape)}").Order(StringComparer.Ordinal),
            NetworkLayers.Of(spec).All.SelectMany(layer => layer.Tensors())
                .Select(tensor => $"{tensor.Key} {Shape(tensor.Shape)}").Order(StringComparer.Ordinal));

        var (traced, counted) = (ModelProfile.Of(network, 1, spec.InputChannels, height, width), ModelProfile.Of(spec, height, width));
        Assert.Equal(traced.Layers.Select(Line), counted.Layers.Select(Line));
        Assert.Equal((traced.Parameters, traced.Macs), (counted.Parameters, counted.Macs));
        Assert.Equal(traced.Parameters, spec.ParameterCount());

        static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";

        // A depthwise convolution of one channel is an ordinary one, too.
        static string Line(LayerProfile layer) =>
            $"{layer.Name} {(layer.Output[1] == 1 ? layer.Kind.Replace("depthwise", "conv") : layer.Kind)} {Shape(layer.Output)} "
            + $"{layer.Parameters} {layer.Macs} {layer.Padding}";
    }
}
