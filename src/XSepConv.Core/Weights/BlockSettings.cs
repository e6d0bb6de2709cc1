using System.Globalization;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>What decides the output of the blocks here and does not show in their tensors' shapes.</summary>
internal static class BlockSettings
{
    private const string Padding = "padding", Placement = "placement", Stride = "stride", Act = "activation", Squeeze = "squeezeExcite";

    /// <summary>Of one module; nothing for the modules of others.</summary>
    public static IEnumerable<(string Name, string Value)> Of(nn.Module module) => module switch
    {
        XSepConv2d operation =>
        [
            (Padding, $"{operation.Padding}"), (Stride, Text(operation.Stride)), (Act, $"{operation.Activation}"),
        ],
        IBlock block => Of(block.Layers),
        INetwork network => Stem(network.Spec),
        _ => [],
    };

    /// <summary>Of the modules of a network, by their paths.</summary>
    public static ModuleSettings Of(NetworkSpec spec)
    {
        var settings = new ModuleSettings();
        foreach (var (name, value) in Stem(spec)) settings.Set("", name, value);
        foreach (var (layers, i) in NetworkLayers.Of(spec).Blocks.Select((layers, i) => (layers, i)))
        {
            foreach (var (name, value) in Of(layers)) settings.Set($"bneck.{i}", name, value);
        }

        return settings;
    }

    private static IEnumerable<(string Name, string Value)> Stem(NetworkSpec spec) =>
        [("stemStride", Text(spec.StemStride)), (Act, $"{spec.Activation}")];

    private static IEnumerable<(string Name, string Value)> Of(BlockLayers layers)
    {
        var spec = layers.Spec;
        yield return (Stride, Text(spec.Stride));
        yield return (Act, $"{spec.Activation}");
        if (spec.Kind == BlockKind.Dw) yield return (Squeeze, $"{spec.SqueezeExcite}");
        if (layers.Spatial[0] is not { Padding: { } direction } first) yield break;
        yield return (Padding, $"{direction}");
        yield return (Placement, $"{(first.Prepadded ? PaddingPlacement.BeforeExpand : PaddingPlacement.AfterExpand)}");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
