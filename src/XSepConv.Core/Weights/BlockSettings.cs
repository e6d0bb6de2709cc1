using System.Globalization;
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
        XSepBlock block => Of(block.Spec, block.Padding, block.Placement),
        DwBlock block => Of(block.Spec, null, default),
        SepBlock block => Of(block.Spec, null, default),
        MobileNet network => Stem(network.Spec),
        _ => [],
    };

    /// <summary>Of the modules of a network, by their paths.</summary>
    public static ModuleSettings Of(NetworkSpec spec)
    {
        var settings = new ModuleSettings();
        var paddings = spec.Paddings();
        foreach (var (name, value) in Stem(spec)) settings.Set("", name, value);
        for (var i = 0; i < spec.Blocks.Length; i++)
        {
            foreach (var (name, value) in Of(spec.Blocks[i], paddings[i], spec.PaddingPlacement)) settings.Set($"bneck.{i}", name, value);
        }

        return settings;
    }

    private static IEnumerable<(string Name, string Value)> Stem(NetworkSpec spec) => [("stemStride", Text(spec.StemStride)), (Act, $"{spec.Activation}")];

    private static IEnumerable<(string Name, string Value)> Of(BlockSpec spec, PaddingDirection? padding, PaddingPlacement placement)
    {
        yield return (Stride, Text(spec.Stride));
        yield return (Act, $"{spec.Activation}");
        if (spec.Kind == BlockKind.Dw) yield return (Squeeze, $"{spec.SqueezeExcite}");
        if (padding is not { } direction) yield break;
        yield return (Padding, $"{direction}");
        yield return (Placement, $"{placement}");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
