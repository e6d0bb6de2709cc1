using TorchSharp.Modules;

namespace XSepConv.Onnx;

/// <summary>How a convolution moves over a map.</summary>
/// <param name="Pads">Zeros as ONNX orders them: top, left, bottom, right.</param>
/// <param name="Strides">Down, across.</param>
/// <param name="Dilations">Down, across.</param>
internal sealed record ConvGeometry(long[] Pads, long[] Strides, long[] Dilations, long Groups)
{
    public static ConvGeometry Of(Conv2d conv) => new(Padding(conv), conv.stride, conv.dilation, conv.groups);

    /// <summary>One row and one column of zeros on the sides that a direction names.</summary>
    public static long[] OneSided(PaddingDirection direction)
    {
        var (top, left) = (direction.IsTop() ? 1 : 0, direction.IsLeft() ? 1 : 0);
        return [top, left, 1 - top, 1 - left];
    }

    private static long[] Padding(Conv2d conv)
    {
        switch (conv.padding_type)
        {
            case TorchSharp.Padding.Valid:
                return [0, 0, 0, 0];
            case TorchSharp.Padding.Same:
                // An odd number of zeros has the larger half below and on the right.
                var (down, across) = (conv.dilation[0] * (conv.kernel_size[0] - 1), conv.dilation[1] * (conv.kernel_size[1] - 1));
                return [down / 2, across / 2, down - (down / 2), across - (across / 2)];
            default:
                var padding = conv.padding!;
                return [padding[0], padding[1], padding[0], padding[1]];
        }
    }
}
