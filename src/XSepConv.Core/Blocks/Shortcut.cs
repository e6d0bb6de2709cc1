using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The shortcut of a block of stride 1.</summary>
internal static class Shortcut
{
    /// <summary>
    /// Nothing where the shapes agree (the input itself is added) or differ in size (nothing is added), 1×1 convolution and BN where
    /// channels differ.
    /// </summary>
    public static Sequential Create(int inChannels, int outChannels, int stride, Device? device, ScalarType? dtype) =>
        stride != 1 || inChannels == outChannels
            ? nn.Sequential()
            : nn.Sequential(
                nn.Conv2d(inChannels, outChannels, 1, bias: false, device: device, dtype: dtype),
                BatchNorms.Of(outChannels, device, dtype));

    /// <summary>Adds it, where the block has one.</summary>
    public static Tensor Add(Sequential shortcut, Tensor x, Tensor y, int stride) => stride == 1 ? y + shortcut.call(x) : y;
}
