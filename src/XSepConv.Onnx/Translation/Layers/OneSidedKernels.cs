using TorchSharp.Modules;

namespace XSepConv.Onnx;

/// <summary>
/// One-sided padding as part of a kernel, where channels pad on different sides and one <c>pads</c> attribute can't say it.
/// </summary>
internal static class OneSidedKernels
{
    /// <summary>
    /// A convolution together with the padding before it, which batch norm and bias come after: a padded 1×1 gives zeros on the border, as
    /// the convolution of a padded map does. Null where the layer pads itself too, or is not of a shape that is known here.
    /// </summary>
    public static (LayerWeights Weights, ConvGeometry Geometry)? Padded(ModuleAt at, PaddingDirection direction)
    {
        var (weights, geometry) = (LayerWeights.Of(at), ConvGeometry.Of((Conv2d)at.Module));
        if (geometry.Pads.Any(side => side != 0)) return null;
        if (direction != PaddingDirection.Symmetric) return (weights, geometry with { Pads = ConvGeometry.OneSided(direction) });
        if (geometry.Dilations.Any(step => step != 1)) return null;
        LayerWeights? padded = weights.Shape switch
        {
            [var channels, 1, 2, 2] when channels == geometry.Groups => Depthwise3x3(weights, direction),
            [_, _, 1, 1] when geometry.Groups == 1 => Pointwise2x2(weights, direction),
            _ => null,
        };
        return padded is null ? null : (padded, geometry with { Pads = [1, 1, 1, 1] });
    }

    /// <summary>
    /// A 2×2 depthwise convolution with one-sided padding as a 3×3 one with padding 1, whose unused row and column are zero.
    /// </summary>
    private static LayerWeights Depthwise3x3(LayerWeights weights, PaddingDirection direction)
    {
        var channels = (int)weights.Shape[0];
        var kernel = new double[channels * 9];
        for (var c = 0; c < channels; c++)
        {
            // Zeros on top make output row y see rows y − 1 and y: the first two of three.
            var (top, left) = FirstUsed(direction.ForChannel(c, channels));
            for (var i = 0; i < 2; i++)
            {
                for (var j = 0; j < 2; j++) kernel[(c * 9) + ((top + i) * 3) + left + j] = weights.Kernel[(c * 4) + (i * 2) + j];
            }
        }

        return weights with { Shape = [channels, 1, 3, 3], Kernel = kernel };
    }

    /// <summary>
    /// A 1×1 convolution whose input channels are padded on different sides, as a 2×2 one with padding 1 that uses one of the four
    /// positions in each input channel. [H, W] becomes [H+1, W+1].
    /// </summary>
    private static LayerWeights Pointwise2x2(LayerWeights weights, PaddingDirection direction)
    {
        InitializerLimit.Require(4L * sizeof(float) * weights.Kernel.Length);
        var (outputs, inputs) = ((int)weights.Shape[0], (int)weights.Shape[1]);
        var kernel = new double[outputs * inputs * 4];
        for (var c = 0; c < inputs; c++)
        {
            var (top, left) = FirstUsed(direction.ForChannel(c, inputs));
            for (var o = 0; o < outputs; o++) kernel[(((o * inputs) + c) * 4) + (top * 2) + left] = weights.Kernel[(o * inputs) + c];
        }

        return weights with { Shape = [outputs, inputs, 2, 2], Kernel = kernel };
    }

    /// <summary>
    /// One-sided padding alone, as a 2×2 depthwise convolution with padding 1 that takes one of the four positions in each channel.
    /// [H, W] becomes [H+1, W+1].
    /// </summary>
    public static LayerWeights Padding(ModuleAt at, long channels, PaddingDirection direction)
    {
        var kernel = new double[channels * 4];
        for (var c = 0; c < channels; c++)
        {
            var (top, left) = FirstUsed(direction.ForChannel(c, (int)channels));
            kernel[(c * 4) + (top * 2) + left] = 1;
        }

        return new(at, [channels, 1, 2, 2], kernel, null);
    }

    private static (int Row, int Column) FirstUsed(PaddingDirection side) => (side.IsTop() ? 0 : 1, side.IsLeft() ? 0 : 1);
}
