namespace XSepConv.Onnx;

/// <summary>Which versions of ONNX's operators are written, and the version of the file format that goes with each.</summary>
internal static class OnnxVersions
{
    /// <summary>The first with <c>HardSwish</c>.</summary>
    public const int HardSwishOpset = 14;

    /// <summary>The first with <c>LayerNormalization</c>.</summary>
    public const int LayerNormalizationOpset = 17;

    /// <summary>What ONNX released together with a version of its operators (docs/Versioning.md there).</summary>
    public static int IrVersion(int opset) => opset switch
    {
        < 12 => 6,
        < 15 => 7,
        _ => 8,
    };
}
