using TorchSharp;
using TorchSharp.Modules;
using static XSepConv.Onnx.GraphBuilder;

namespace XSepConv.Onnx;

/// <summary>Padding of maps as a node of its own.</summary>
internal sealed class PaddingTranslator(GraphBuilder graph)
{
    public OnnxTensor Pad(OnnxTensor x, PadBase pad, ModuleAt at)
    {
        var mode = pad switch
        {
            ReflectionPad2d => PaddingModes.Reflect,
            ReplicationPad2d => PaddingModes.Replicate,
            _ => PaddingModes.Constant,
        };
        // Torch's order is left, right, top, bottom.
        var p = pad.padding;
        return Pad(x, [p[2], p[0], p[3], p[1]], mode, pad.value, at, at.NodeName("pad"));
    }

    /// <param name="pads">Top, left, bottom, right; less than 0 cuts off.</param>
    /// <param name="value">What a constant padding is of.</param>
    public OnnxTensor Pad(OnnxTensor x, long[] pads, PaddingModes mode, double value, ModuleAt at, string name)
    {
        if (!x.IsMap) throw new ArgumentException($"{at.Where} pads maps [N, C, H, W], it gets {x}.");
        var word = mode switch
        {
            PaddingModes.Zeros or PaddingModes.Constant => "constant",
            PaddingModes.Reflect => "reflect",
            PaddingModes.Replicate => "edge",
            _ => throw ExportableModules.Refusal(at, $"its padding mode is {mode}; Zeros, Reflect and Replicate can be"),
        };
        if (word != "constant" && pads.Any(side => side < 0))
        {
            throw ExportableModules.Refusal(at, $"it pads by {pads.Min()}; less than 0 can be with a constant only");
        }

        List<string> inputs = [x.Name, graph.IntegerInitializer($"{name}.pads", [0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]], 8)];
        if (word == "constant") inputs.Add(graph.Initializer($"{name}.value", [value]));
        var result = x.Sized(x.Height.Padded(pads[0] + pads[2]), x.Width.Padded(pads[1] + pads[3]));
        var most = Math.Max(Most(x.Height, pads[0], pads[2]), Most(x.Width, pads[1], pads[3]));
        if (result.Sides.Any(side => side is { IsFixed: true, Size: < 1 }) || (word == "reflect" && most >= 0))
        {
            throw new ArgumentException($"The input is too small: {at.Where} pads a map {x} by {string.Join(", ", pads)}.");
        }

        return graph.Node(name, "Pad", result, inputs, Text("mode", word));

        // How far a reflection reaches beyond the other end.
        static long Most(Extent side, long before, long after) => side.IsFixed ? Math.Max(before, after) - side.Size : -1;
    }
}
