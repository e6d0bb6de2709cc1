using XSepConv.OnnxFormat;

namespace XSepConv.Onnx.Tests;

/// <summary>Looks into an exported file.</summary>
internal static class OnnxFile
{
    // All that these networks are made of, with the default's operators. No Pad, and no activation in pieces (Div, Max) but SiLU, which is
    // Sigmoid and Mul. Clip is ReLU6.
    private static readonly HashSet<string> Native =
    [
        "Conv", "BatchNormalization", "Relu", "Clip", "HardSwish", "HardSigmoid", "Sigmoid", "GlobalAveragePool", "Flatten", "Gemm", "Mul", "Add",
        "Sub", "Identity",
    ];

    public static ModelProto Parse(byte[] file) => ModelProto.Parser.ParseFrom(file);

    public static void RequireNativeNodes(byte[] file)
    {
        var operations = Parse(file).Graph.Node.Select(node => node.OpType).Distinct().Where(operation => !Native.Contains(operation));
        Assert.Empty(operations);
    }

    public static NodeProto Node(this ModelProto model, string name) => model.Graph.Node.Single(node => node.Name == name);

    public static long[] Integers(this NodeProto node, string attribute) => [.. node.Attribute.Single(a => a.Name == attribute).Ints];

    public static OnnxModelInfo Info(byte[] file) => OnnxModelInfo.Read(new MemoryStream(file), "the file");
}
