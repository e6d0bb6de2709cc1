namespace XSepConv.Onnx;

/// <summary>How a convolution or a pooling moves over a map; two numbers each, down and across.</summary>
/// <param name="Pads">As ONNX orders them: top, left, bottom, right.</param>
internal sealed record Window(long[] Kernel, long[] Pads, long[] Strides, long[] Dilations)
{
    private IEnumerable<(long Span, long Pads, long Stride)> Sides =>
        [.. Enumerable.Range(0, 2).Select(i => ((Dilations[i] * (Kernel[i] - 1)) + 1, Pads[i] + Pads[i + 2], Strides[i]))];

    /// <summary>The map that comes out, of so many channels.</summary>
    /// <param name="ceil">Whether a last window may reach over the end.</param>
    /// <exception cref="ArgumentException">The map is smaller than the kernel.</exception>
    public OnnxTensor Over(OnnxTensor x, long channels, ModuleAt at, bool ceil = false)
    {
        Extent[] sides = [.. Sides.Zip([x.Height, x.Width], (side, extent) =>
            extent.After(side.Span, side.Pads + (ceil ? side.Stride - 1 : 0), side.Stride))];
        return sides.All(side => side is not { IsFixed: true, Size: < 1 })
            ? OnnxTensor.Map(channels, sides[0], sides[1])
            : throw new ArgumentException(
                $"The input is too small: {at.Where} gets a map {x}, smaller than its {Kernel[0]}×{Kernel[1]} kernel.");
    }

    /// <summary>
    /// Whether torch's <c>ceil_mode</c> adds windows. It leaves out one that starts in the padding after the end, which runtimes do
    /// differently; where that happens, the count is that without <c>ceil_mode</c>.
    /// </summary>
    /// <exception cref="NotSupportedException">It depends on the image's size, or differs down and across.</exception>
    public bool Ceils(OnnxTensor x, ModuleAt at)
    {
        // Null where windows with and without are as many.
        var adds = Sides.Zip([x.Height, x.Width], bool? (side, extent) =>
        {
            if (!extent.IsFixed)
            {
                // Then no window starts behind the end.
                if ((side.Pads / 2) + side.Stride <= side.Span) return true;
                throw ExportableModules.Refusal(
                    at, $"what its ceil_mode does to {x} depends on the size; give one in {nameof(OnnxExportOptions)}.Size");
            }

            // Below 0 where the map is smaller than the kernel: the first window is one that is added.
            var last = extent.Size + side.Pads - side.Span;
            var over = ((last % side.Stride) + side.Stride) % side.Stride;
            if (over == 0) return null;
            var start = last - over + side.Stride;
            return start < extent.Size + (side.Pads / 2);
        }).OfType<bool>().Distinct().ToList();
        return adds.Count < 2
            ? adds.Contains(true)
            : throw ExportableModules.Refusal(at, $"its ceil_mode adds a window to {x} in one direction and not in the other");
    }
}
