using TorchSharp;
using TorchSharp.Modules;
using static XSepConv.Onnx.GraphBuilder;

namespace XSepConv.Onnx;

/// <summary>Pooling of maps as nodes.</summary>
internal sealed class PoolTranslator(GraphBuilder graph)
{
    public OnnxTensor GlobalAverage(OnnxTensor x, string name) =>
        graph.Node(name, "GlobalAveragePool", x.Sized(Extent.Fixed(1), Extent.Fixed(1)), [x.Name]);

    public OnnxTensor Max(OnnxTensor x, MaxPool2d pool, ModuleAt at)
    {
        RequireMap(x, at);
        var window = WindowOf(pool.kernel_size, pool.stride, pool.padding, pool.dilation);
        var ceil = pool.ceil_mode && window.Ceils(x, at);
        return graph.Node(
            at.NodeName("pool"), "MaxPool", window.Over(x, x.Channels, at, ceil), [x.Name],
            [.. Attributes(window, ceil), Integers("dilations", window.Dilations)]);
    }

    public OnnxTensor Average(OnnxTensor x, AvgPool2d pool, ModuleAt at)
    {
        RequireMap(x, at);
        var (name, window) = (at.NodeName("pool"), WindowOf(pool.kernel_size, pool.stride, pool.padding, null));
        var ceil = pool.ceil_mode && window.Ceils(x, at);
        var counted = pool.count_include_pad || pool.divisor_override is not null;
        if (ceil && pool.divisor_override is not null)
        {
            throw ExportableModules.Refusal(at, "it has both ceil_mode and divisor_override; one of them can be");
        }

        // Padding counts, and what ceil_mode adds behind it does not: so the padding is part of the map, which OpenCV understands, too.
        if (counted && window.Pads.Any(side => side > 0))
        {
            x = new PaddingTranslator(graph).Pad(x, window.Pads, PaddingModes.Zeros, 0, at, $"{name}.padded");
            window = window with { Pads = [0, 0, 0, 0] };
        }

        var result = window.Over(x, x.Channels, at, ceil);
        var y = graph.Node(
            pool.divisor_override is null ? name : $"{name}.mean", "AveragePool", result, [x.Name], Attributes(window, ceil));
        if (pool.divisor_override is not { } divisor) return y;
        var factor = graph.Initializer($"{name}.factor", [(double)window.Kernel[0] * window.Kernel[1] / divisor]);
        return graph.Node(name, "Mul", result, [y.Name, factor]);
    }

    public OnnxTensor Adaptive(OnnxTensor x, AdaptiveAvgPool2d pool, ModuleAt at)
    {
        RequireMap(x, at);
        var (name, size) = (at.NodeName("pool"), Pair(pool.output_size, []));
        if (size.All(side => side == 1)) return GlobalAverage(x, name);
        if (!x.Height.IsFixed || !x.Width.IsFixed || size.Min() < 1)
        {
            throw ExportableModules.Refusal(
                at, $"it pools {x} to {size[0]}×{size[1]}, which needs a size in {nameof(OnnxExportOptions)}.Size");
        }

        var result = x.Sized(Extent.Fixed(size[0]), Extent.Fixed(size[1]));
        if (x.Height.Size % size[0] == 0 && x.Width.Size % size[1] == 0)
        {
            long[] kernel = [x.Height.Size / size[0], x.Width.Size / size[1]];
            return graph.Node(name, "AveragePool", result, [x.Name], Attributes(new(kernel, [0, 0, 0, 0], kernel, [1, 1]), false));
        }

        // Windows of different lengths: a matrix of means for the rows, one for the columns.
        var rows = graph.Initializer($"{name}.rows", Means(x.Height.Size, size[0], transposed: false), size[0], x.Height.Size);
        var columns = graph.Initializer($"{name}.columns", Means(x.Width.Size, size[1], transposed: true), x.Width.Size, size[1]);
        var down = graph.Node($"{name}.down", "MatMul", x.Sized(result.Height, x.Width), [rows, x.Name]);
        return graph.Node(name, "MatMul", result, [down.Name, columns]);
    }

    private static IEnumerable<OnnxFormat.AttributeProto> Attributes(Window window, bool ceil) =>
    [
        Integer("ceil_mode", ceil ? 1 : 0), Integers("kernel_shape", window.Kernel), Integers("pads", window.Pads),
        Integers("strides", window.Strides),
    ];

    // Window i of a side is from ⌊i · size / windows⌋ to ⌈(i + 1) · size / windows⌉.
    private static double[] Means(long size, long windows, bool transposed)
    {
        var means = new double[size * windows];
        for (var i = 0L; i < windows; i++)
        {
            var (first, end) = (i * size / windows, (((i + 1) * size) + windows - 1) / windows);
            for (var j = first; j < end; j++) means[transposed ? (j * windows) + i : (i * size) + j] = 1.0 / (end - first);
        }

        return means;
    }

    private static Window WindowOf(long[] kernel, long[]? stride, long[]? padding, long[]? dilation)
    {
        var (size, pads) = (Pair(kernel, []), Pair(padding, [0, 0]));
        return new(size, [.. pads, .. pads], Pair(stride, size), Pair(dilation, [1, 1]));
    }

    private static long[] Pair(long[]? values, long[] otherwise) => values switch
    {
        null or [] => otherwise,
        [var both] => [both, both],
        _ => values,
    };

    private static void RequireMap(OnnxTensor x, ModuleAt at)
    {
        if (!x.IsMap || !x.Sides[0].IsFixed) throw new ArgumentException($"{at.Where} pools maps [N, C, H, W], it gets {x}.");
    }
}
