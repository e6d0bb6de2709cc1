namespace XSepConv.Layers;

/// <summary>How the blocks of a kind differ from each other; what they have in common is in <see cref="BlockLayers"/>.</summary>
internal sealed record BlockShape
{
    /// <summary>The depthwise convolutions, for kernel size K; null stands for K.</summary>
    public required IReadOnlyList<(int? Height, int? Width)> Kernels { get; init; }

    /// <summary>Squeeze-excite may be on the output.</summary>
    public bool SqueezesOutput { get; init; }

    public static BlockShape Of(BlockKind kind) => kind switch
    {
        BlockKind.Dw => new() { Kernels = [(null, null)], SqueezesOutput = true },
        BlockKind.XSep => new() { Kernels = [(2, 2), (1, null), (null, 1)] },
        BlockKind.Sep => new() { Kernels = [(1, null), (null, 1)] },
        _ => throw EnumValues.Unknown(kind),
    };
}
