using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Sizes of maps.</summary>
internal static class Shapes
{
    /// <summary>How many values batch norm sees in each channel once a stage of this stride has run over a map [N, C, H, W].</summary>
    public static long ValuesPerChannel(Tensor x, int stride) =>
        x.size(0) * ((x.size(2) + stride - 1) / stride) * ((x.size(3) + stride - 1) / stride);
}
