using TorchSharp;
using TorchSharp.Modules;

namespace XSepConv;

/// <summary>A depthwise convolution that will be replaced.</summary>
/// <param name="BatchNorm">That layer; null where none follows.</param>
/// <param name="Input">Shape of the map that goes in, [N, C, H, W].</param>
internal sealed record DepthwiseCandidate(
    string Path, Conv2d Convolution, string? BatchNormPath, BatchNorm2d? BatchNorm, long[] Input, long[] Output)
{
    public int KernelSize => (int)Convolution.kernel_size[0];

    public int Stride => (int)Convolution.stride[0];

    public int Channels => (int)Convolution.in_channels;

    /// <summary>Whether each input channel is convolved on its own.</summary>
    public static bool IsDepthwise(Conv2d conv) =>
        conv.groups == conv.in_channels && (conv.groups > 1 || conv.out_channels == 1);

    /// <summary>Why XSepConv can't stand for, or doesn't pay for, a depthwise convolution of this geometry; null when it does.</summary>
    public static string? Refusal(Conv2d conv, ConversionOptions options)
    {
        var (height, width) = (conv.kernel_size[0], conv.kernel_size[1]);
        var (stride, dilation) = (conv.stride, conv.dilation);
        if (conv.out_channels != conv.in_channels)
        {
            return $"it makes {conv.out_channels} channels of {conv.in_channels}; XSepConv keeps their number";
        }

        if (height != width) return $"its kernel is {height}×{width}; XSepConv replaces square ones";
        if (height % 2 == 0) return $"its kernel is {height}×{height}; XSepConv replaces odd ones";
        if (dilation.Any(step => step != 1)) return $"it is dilated by {string.Join('×', dilation)}; XSepConv is not";
        if (stride[0] != stride[1] || stride[0] is not (1 or 2)) return $"its stride is {string.Join('×', stride)}; XSepConv has 1 or 2";
        if (conv.padding_mode != PaddingModes.Zeros) return $"it pads with {conv.padding_mode}; XSepConv pads with zeros";
        if (!IsHalfPadded(conv, height / 2))
        {
            return $"its padding is {PaddingOf(conv)}; XSepConv pads a {height}×{height} kernel by {height / 2}";
        }

        if (height > NetworkSpec.LargestKernel) return $"its kernel is {height}×{height}; XSepConv goes to {NetworkSpec.LargestKernel}";
        if (conv.in_channels > NetworkSpec.MostChannels)
        {
            return $"it has {conv.in_channels} channels; XSepConv goes to {NetworkSpec.MostChannels}";
        }

        var (least, option) = stride[0] == 1
            ? (options.MinKernel, nameof(ConversionOptions.MinKernel))
            : (options.MinKernelStride2, nameof(ConversionOptions.MinKernelStride2));
        return height < least ? $"its kernel is {height}×{height}, and {option} is {least}" : null;
    }

    private static bool IsHalfPadded(Conv2d conv, long half) =>
        conv.padding_type == TorchSharp.Padding.Same || (conv.padding is { } padding && padding.All(size => size == half));

    private static string PaddingOf(Conv2d conv) => conv.padding is { } padding ? string.Join('×', padding) : $"{conv.padding_type}";
}
