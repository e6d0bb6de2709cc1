using XSepConv.Onnx;

namespace XSepConv;

/// <summary>A tensor that flows through an <see cref="OnnxGraph"/>: maps [N, C, H, W], features [N, C], or another shape.</summary>
public sealed class OnnxTensor
{
    /// <summary>The shape's name of the batch.</summary>
    internal const string BatchSymbol = "N";

    internal OnnxTensor(string name, IReadOnlyList<Extent> sides, bool isConstant = false)
    {
        (Name, Sides, IsConstant) = (name, sides, isConstant);
    }

    /// <summary>Its name in the file.</summary>
    public string Name { get; }

    /// <summary>The sides after the batch, such as [C, H, W], of a constant all; null where a side depends on the image's.</summary>
    public IReadOnlyList<long?> Shape => [.. Sides.Select(side => side.IsFixed ? side.Size : (long?)null)];

    internal IReadOnlyList<Extent> Sides { get; }

    /// <summary>Without a batch.</summary>
    internal bool IsConstant { get; }

    internal bool IsMap => Sides.Count == 3;

    /// <summary>Of the first side after the batch; 0 where that is open.</summary>
    internal long Channels => Sides[0].Size;

    internal Extent Height => Sides[1];

    internal Extent Width => Sides[2];

    internal static OnnxTensor Map(long channels, Extent height, Extent width) => new("", [Extent.Fixed(channels), height, width]);

    internal static OnnxTensor Features(long count) => new("", [Extent.Fixed(count)]);

    /// <summary>The same maps of another size.</summary>
    internal OnnxTensor Sized(Extent height, Extent width) => new(Name, [Sides[0], height, width]);

    internal OnnxTensor Named(string name) => new(name, Sides, IsConstant);

    /// <summary>Such as <c>[N, 16, H, W]</c>; a side that can't be told is a question mark.</summary>
    public override string ToString()
    {
        var sides = Sides.Select(side => $"{side}" is { Length: > 0 } text ? text : "?");
        return $"[{string.Join(", ", IsConstant ? sides : sides.Prepend(BatchSymbol))}]";
    }
}
