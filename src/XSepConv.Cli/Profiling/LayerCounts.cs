using XSepConv.Cli.Errors;
using XSepConv.Layers;

namespace XSepConv.Cli.Profiling;

/// <summary>Parameters and multiply-accumulates of a network, layer by layer.</summary>
internal static class LayerCounts
{
    // 1 GiB of float32.
    private const long MostMapValues = 1L << 28;

    /// <summary>Counts for one image.</summary>
    /// <exception cref="UserError">The maps of such an image would not fit.</exception>
    public static ModelProfile Of(NetworkSpec spec, int height, int width)
    {
        var sizes = Layer.Sizes(NetworkLayers.Of(spec).All, (height, width));
        var largest = sizes.Max(entry => entry.Key.Out * entry.Value.Height * entry.Value.Width);
        return largest <= MostMapValues
            ? ModelProfile.Of(spec, height, width)
            : throw new UserError(
                $"An image of {height}×{width} makes maps of {largest / MostMapValues:N0} GiB and more; choose a smaller --image-size.");
    }
}
