using System.Collections.Immutable;

namespace XSepConv.Layers;

/// <summary>The depthwise convolutions of a block, or of XSepConv alone, one after the other.</summary>
internal static class SpatialLayers
{
    /// <param name="stride">Of the whole: of 1×K across, of K×1 down.</param>
    /// <param name="first">The number in the name of the first.</param>
    /// <param name="prefix">Of the state-dict keys: empty, or ending in a dot.</param>
    /// <param name="from">The layer before them; null where it is not known.</param>
    /// <param name="padding">Where a 2×2 pads.</param>
    /// <param name="prepadded">The 2×2's row and column of zeros are already there.</param>
    public static ImmutableArray<Layer> Of(
        BlockShape shape, int channels, int kernel, int stride, Activation? between, Activation? after, int first = 1, string prefix = "",
        Layer? from = null, PaddingDirection? padding = null, bool prepadded = false)
    {
        var layers = ImmutableArray.CreateBuilder<Layer>(shape.Kernels.Count);
        foreach (var (height, width) in shape.Kernels)
        {
            var number = first + layers.Count;
            var isTwoByTwo = (height, width) == (2, 2);
            layers.Add(from = new()
            {
                Kind = LayerKind.Depthwise,
                Name = $"{prefix}conv{number}",
                Norm = $"{prefix}bn{number}",
                ActivationName = $"{prefix}act{number}",
                From = from,
                In = channels,
                Out = channels,
                Kernel = (height ?? kernel, width ?? kernel),
                Stride = (height is null ? stride : 1, width is null ? stride : 1),
                Activation = layers.Count < shape.Kernels.Count - 1 ? between : after,
                Padding = isTwoByTwo ? padding : null,
                Prepadded = isTwoByTwo && prepadded,
            });
        }

        return layers.MoveToImmutable();
    }
}
