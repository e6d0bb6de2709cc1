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
        Extent[] sides = [x.Height, x.Width];
        if (scales.Length > 0)
        {
            long?[] computed = [.. sides.Zip(scales, (side, scale) => Scaled(side, scale))];
            if (computed.Contains(null) && !scales.All(scale => Exact(scale, module.recompute_scale_factor == true)))
            {
                var why = sides.All(side => side.IsFixed)
                    ? "where float32, in which the file has the factor, makes another size; give the module the size instead"
                    : $"which needs a size in {nameof(OnnxExportOptions)}.Size";
                throw ExportableModules.Refusal(at, $"it scales {x} by {scales[0]}×{scales[1]}, {why}");
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

        // The same size and coordinates in every reader, for every size.
        static bool Exact(double scale, bool recomputed) =>
            scale == Math.Floor(scale) || (!recomputed && 1 / scale == Math.Floor(1 / scale) && double.IsPow2(scale));

        // Null where it is open, or where float32, in which the file has the factor, makes another size of it than double precision.
        static long? Scaled(Extent side, double scale)
        {
            var size = (long)Math.Floor(side.Size * scale);
            return side.IsFixed && size == (long)((float)scale * side.Size) ? size : null;
        }
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
