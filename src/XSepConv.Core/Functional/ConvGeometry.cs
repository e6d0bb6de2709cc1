using TorchSharp;
using TorchSharp.Modules;

namespace XSepConv;

/// <summary>Kernel, stride and padding that a kernel stands in for.</summary>
internal readonly record struct ConvGeometry(
    (long Height, long Width) Kernel, (long Height, long Width) Stride, (long Height, long Width) Padding)
{
    /// <summary>Whether a convolution of so many groups still is of this geometry.</summary>
    public bool Fits(Conv2d conv, long groups) =>
        conv.groups == groups && conv.padding_mode == PaddingModes.Zeros && conv.padding_type is null
        && Are(conv.stride, Stride) && Are(conv.padding, Padding) && Are(conv.dilation, (1, 1))
        && conv.weight is var weight && weight.dim() == 4 && weight.size(0) == conv.out_channels
        && weight.size(1) == conv.in_channels / groups && weight.size(2) == Kernel.Height && weight.size(3) == Kernel.Width;

    private static bool Are(long[]? values, (long Height, long Width) expected) =>
        values is [var height, var width] && height == expected.Height && width == expected.Width;
}
