using TorchSharp.Modules;
using static TorchSharp.torch;
using static XSepConv.Onnx.GraphBuilder;

namespace XSepConv.Onnx;

/// <summary>Maps enlarged or reduced by interpolation, as nodes.</summary>
internal sealed class ResizeTranslator(GraphBuilder graph)
{
    public OnnxTensor Upsample(OnnxTensor x, Upsample module, ModuleAt at)
    {
        if (!x.IsMap) throw new ArgumentException($"{at.Where} enlarges maps [N, C, H, W], it gets {x}.");
        var name = at.NodeName("resize");
        var (scales, sizes) = (Pair(module.scale_factor), Pair(module.size));
        if ((scales.Length, sizes.Length) is not ((2, 0) or (0, 2)))
        {
            throw ExportableModules.Refusal(
                at, $"it has {scales.Length} factors and {sizes.Length} sizes; two of the one or of the other can be, of height and width");
        }

        Extent[] sides = [x.Height, x.Width];
        if (module.mode == UpsampleMode.Nearest && Gathered(x, module, at) is { } gathered) return gathered;
        if (scales.Length > 0)
        {
            long?[] computed = [.. sides.Zip(scales, (side, scale) => Scaled(side, scale))];
            if (computed.Contains(null) && !scales.All(scale => Exact(scale, module.recompute_scale_factor == true)))
            {
                var why = sides.All(side => side.IsFixed)
                    ? "where float32, in which the file has the factor, makes another size; give the module the size instead"
                    : $"which needs a size in {nameof(OnnxExportOptions)}.Size";
                throw ExportableModules.Refusal(at, FormattableString.Invariant($"it scales {x} by {scales[0]}×{scales[1]}, {why}"));
            }

            if (module.recompute_scale_factor == true && !computed.Contains(null)) (scales, sizes) = ([], [.. computed.OfType<long>()]);
            sides = [.. sides.Zip(computed, (side, size) => size is { } number ? Extent.Fixed(number) : Extent.Unknown)];
        }

        if (sizes.Length > 0) sides = [.. sizes.Select(Extent.Fixed)];
        List<string> inputs = [x.Name, graph.Initializer($"{name}.roi", [], 0)];
        inputs.Add(scales.Length > 0 ? graph.Initializer($"{name}.scales", [1, 1, .. scales], 4)
            : graph.Initializer($"{name}.scales", [], 0));
        if (sizes.Length > 0) inputs.Add(Sizes(x, sizes, name));
        return graph.Node(name, "Resize", x.Sized(sides[0], sides[1]), inputs, Attributes(module, at));

        // The same size in every reader, for every size; which pixels are the nearest is another question.
        static bool Exact(double scale, bool recomputed) =>
            scale == Math.Floor(scale) || (!recomputed && 1 / scale == Math.Floor(1 / scale) && double.IsPow2(scale));

        // Null where it is open, or where float32, in which the file has the factor, makes another size of it than double precision.
        static long? Scaled(Extent side, double scale)
        {
            var size = (long)Math.Floor(side.Size * scale);
            return side.IsFixed && size == (long)((float)scale * side.Size) ? size : null;
        }
    }

    /// <summary>
    /// The nearest pixels by their numbers, where <c>Resize</c> would take others: it divides by the factor where torch multiplies by what
    /// one divided by it is, both in float32, and near whole numbers that falls on either side.
    /// </summary>
    /// <returns>Null where <c>Resize</c> takes the same.</returns>
    private OnnxTensor? Gathered(OnnxTensor x, Upsample module, ModuleAt at)
    {
        var (scales, sizes) = (Pair(module.scale_factor), Pair(module.size));
        Extent[] sides = [x.Height, x.Width];
        var byScale = scales.Length > 0 && module.recompute_scale_factor != true;
        if (!sides.All(side => side.IsFixed))
        {
            // No side of an image is longer.
            const int Longest = 65_536;
            if (scales.Length > 0 && scales.All(scale => Same(Steps(Longest, (float)(1 / scale)), scale))) return null;
            var what = scales.Length > 0
                ? FormattableString.Invariant($"scales {x} by {scales[0]}×{scales[1]}")
                : $"brings {x} to {sizes[0]}×{sizes[1]}";
            throw ExportableModules.Refusal(
                at, $"it {what}, and which pixels are the nearest depends on the size; give one in {nameof(OnnxExportOptions)}.Size");
        }

        var indices = new long[2][];
        var isSame = true;
        for (var i = 0; i < 2; i++)
        {
            var side = sides[i].Size;
            var size = scales.Length > 0 ? (long)Math.Floor(side * scales[i]) : sizes[i];
            // Sizes that are equal, or twice as large, are so in torch whatever the factor is that leads to them.
            var step = size == side ? 1 : size == 2 * side ? 0.5f : byScale ? (float)(1 / scales[i]) : (float)side / size;
            indices[i] = [.. Steps(size, step).Select(index => Math.Min(index, side - 1))];
            var scale = byScale ? scales[i] : (double)size / side;
            isSame &= Same(indices[i], scale) && (!byScale || size == (long)((float)scale * side));
        }

        if (isSame) return null;
        var name = at.NodeName("resize");
        var rows = Gather(x, indices[0], 2, x.Sized(Extent.Fixed(indices[0].Length), x.Width), $"{name}.rows");
        return Gather(rows, indices[1], 3, rows.Sized(rows.Height, Extent.Fixed(indices[1].Length)), name);
    }

    private OnnxTensor Gather(OnnxTensor x, long[] indices, int axis, OnnxTensor result, string name) =>
        graph.Node(
            name, "Gather", result, [x.Name, graph.IntegerInitializer($"{name}.pixels", indices, indices.Length)], Integer("axis", axis));

    private static long[] Steps(long count, float step)
    {
        var indices = new long[count];
        for (var i = 0; i < count; i++) indices[i] = (long)MathF.Floor(i * step);
        return indices;
    }

    // For readers that divide in float32, as ONNX Runtime does, and for those that divide exactly.
    private static bool Same(long[] indices, double scale)
    {
        for (var i = 0; i < indices.Length; i++)
        {
            if (indices[i] != (long)MathF.Floor(i / (float)scale) || indices[i] != (long)Math.Floor(i / scale)) return false;
        }

        return true;
    }

    private static List<OnnxFormat.AttributeProto> Attributes(Upsample module, ModuleAt at)
    {
        var aligned = module.align_corners == true ? "align_corners" : "half_pixel";
        return module.mode switch
        {
            UpsampleMode.Nearest =>
            [
                Text("coordinate_transformation_mode", "asymmetric"), Text("mode", "nearest"), Text("nearest_mode", "floor"),
            ],
            UpsampleMode.Bilinear => [Text("coordinate_transformation_mode", aligned), Text("mode", "linear")],
            UpsampleMode.Bicubic =>
            [
                Text("coordinate_transformation_mode", aligned), Number("cubic_coeff_a", -0.75), Text("mode", "cubic"),
            ],
            _ => throw ExportableModules.Refusal(at, $"its mode is {module.mode}; Nearest, Bilinear and Bicubic can be"),
        };
    }

    // All four sides; batch and channels are those of x.
    private string Sizes(OnnxTensor x, long[] sizes, string name)
    {
        var shape = graph.Untyped($"{name}.shape", "Shape", [x.Name]);
        var first = graph.Untyped(
            $"{name}.kept", "Slice",
            [shape, graph.IntegerInitializer($"{name}.from", [0], 1), graph.IntegerInitializer($"{name}.to", [2], 1)]);
        return graph.Untyped($"{name}.sizes", "Concat", [first, graph.IntegerInitializer($"{name}.size", sizes, 2)], Integer("axis", 0));
    }

    private static T[] Pair<T>(ReadOnlySpan<T> values) => values is [var both] ? [both, both] : values.ToArray();
}
