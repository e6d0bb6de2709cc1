namespace XSepConv.Onnx;

/// <summary>A tensor that flows through the graph: maps [N, C, H, W], or features [N, C] where there is no height and width.</summary>
/// <param name="Height">H; null for features.</param>
/// <param name="Width">W; null for features.</param>
internal readonly record struct Value(string Name, long Channels, Extent? Height, Extent? Width)
{
    /// <summary>The shape's name of the batch.</summary>
    public const string BatchSymbol = "N";

    public bool IsMap => Height is not null;

    public string Shape => IsMap ? $"[{BatchSymbol}, {Channels}, {Or(Height)}, {Or(Width)}]" : $"[{BatchSymbol}, {Channels}]";

    private static string Or(Extent? side) => $"{side}" is { Length: > 0 } text ? text : "?";
}
