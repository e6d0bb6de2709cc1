using XSepConv.Cli.Errors;
using XSepConv.Cli.Startup;

namespace XSepConv.Cli.Profiling;

/// <summary>Parameters and multiply-accumulates of a network, layer by layer.</summary>
internal static class LayerCounts
{
    // 1 GiB of float32.
    private const long MostMapValues = 1L << 28;

    /// <summary>Builds the network and runs one image of zeros through it.</summary>
    /// <exception cref="UserError">The maps of such an image would not fit.</exception>
    public static ModelProfile Of(NetworkSpec spec, int height, int width)
    {
        var strides = spec.InputStrides();
        var largest = spec.Blocks.Select((block, i) => block.Expand * DivideUp(height, strides[i]) * DivideUp(width, strides[i])).Max();
        if (largest > MostMapValues)
        {
            throw new UserError(
                $"An image of {height}×{width} makes maps of {largest / MostMapValues:N0} GiB and more; choose a smaller --image-size.");
        }

        Nnpack.SwitchOffWhereUnsupported();
        using var model = new MobileNet(spec);
        return ModelProfile.Of(model, 1, spec.InputChannels, height, width);

        static long DivideUp(int size, int stride) => (size + stride - 1L) / stride;
    }
}
