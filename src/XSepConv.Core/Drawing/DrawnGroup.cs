using XSepConv.Layers;

namespace XSepConv;

/// <summary>What a box of a drawing stands for.</summary>
internal enum BoxKind
{
    XSep,
    Dw,
    Other,
}

/// <summary>A box of a drawing.</summary>
internal sealed record DrawnBox(string Id, BoxKind Kind, params IReadOnlyList<string> Lines);

/// <summary>
/// Boxes that are drawn together: blocks that get maps of one resolution, or what is outside of the blocks (without a title).
/// </summary>
internal sealed record DrawnGroup(string Id, string Title, IReadOnlyList<DrawnBox> Boxes)
{
    public static IReadOnlyList<DrawnGroup> Of(NetworkSpec spec, (int Height, int Width)? size)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (size is { Height: < 1 } or { Width: < 1 })
        {
            throw new ArgumentException(
                $"The size is {size.Value.Height}×{size.Value.Width}; an image has at least 1×1 pixel.", nameof(size));
        }

        spec.Validate();
        var (strides, layers) = (spec.InputStrides(), NetworkLayers.Of(spec));
        var groups = new List<DrawnGroup>
        {
            new("start", "", [
                new(
                    "images", BoxKind.Other, "images",
                    $"[N, {spec.InputChannels}, {(size is { } pixels ? $"{pixels.Height}, {pixels.Width}" : "H, W")}]"),
                new(
                    "stem", BoxKind.Other, $"3×3, stride {spec.StemStride} · {Name(spec.Activation)}",
                    $"{spec.InputChannels} → {spec.StemChannels}"),
            ]),
        };
        foreach (var group in spec.Blocks.Select((block, i) => (Block: block, Index: i)).GroupBy(entry => strides[entry.Index]))
        {
            var boxes = group.Select(
                entry => Box(layers.Blocks[entry.Index], entry.Index, Resolution(group.Key * entry.Block.Stride, size)));
            groups.Add(new($"at{group.Key}", Resolution(group.Key, size), [.. boxes]));
        }

        groups.Add(new("end", "", [
            new("last", BoxKind.Other, $"1×1 · {Name(spec.Activation)}", $"{spec.Blocks[^1].Out} → {spec.LastChannels}"),
            new("pool", BoxKind.Other, "global average"),
            .. layers.Hidden is null ? Array.Empty<DrawnBox>() :
                [new("hidden", BoxKind.Other, $"linear · {Name(spec.Activation)}", $"{spec.LastChannels} → {spec.HiddenFeatures}")],
            .. layers.Classifier is null ? Array.Empty<DrawnBox>() :
                [new("logits", BoxKind.Other, "linear", $"{spec.NumFeatures} → {spec.NumClasses} classes")],
        ]));
        return groups;
    }

    private static DrawnBox Box(BlockLayers layers, int index, string resolution)
    {
        var block = layers.Spec;
        var operation = string.Join(", ", layers.Spatial.Select(layer => $"{layer.Kernel.Height}×{layer.Kernel.Width}"));
        var stride = block.Stride == 1 ? "" : $" · stride {block.Stride}, to {resolution}";
        List<string> lines =
        [
            $"{index} · {block.Kind} {operation}{stride}",
            $"{block.In} → {block.Expand} → {block.Out} · {Name(block.Activation)}",
        ];
        List<string> extras = [];
        if (layers.SqueezeExcite is { } squeeze) extras.Add($"SE on {squeeze.Gate.Out}");
        if (layers.Add is not null) extras.Add(layers.Shortcut is null ? "+ input" : "+ 1×1 of the input");
        if (extras.Count > 0) lines.Add(string.Join(" · ", extras));
        if (layers.Spatial[0].Padding is { } direction) lines.Add($"pads {direction} {direction.Arrow()}");
        return new($"b{index}", block.HasTwoByTwo ? BoxKind.XSep : BoxKind.Dw, lines);
    }

    // As papers write them.
    private static string Name(Activation activation) => activation == Activation.HSwish ? "hswish" : $"{activation}";

    // Rounded up at every stride, which is the same as once.
    private static string Resolution(int stride, (int Height, int Width)? size) => size is { } pixels
        ? $"{DivideUp(pixels.Height, stride)} × {DivideUp(pixels.Width, stride)}"
        : stride == 1 ? "the image's size" : $"1/{stride} of the image's size";

    private static int DivideUp(int pixels, int stride) => (int)((pixels + stride - 1L) / stride);
}
