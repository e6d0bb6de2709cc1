namespace XSepConv.Layers;

/// <summary>How the blocks of a kind differ from each other; what they have in common is in <see cref="BlockLayers"/>.</summary>
internal sealed record BlockShape
{
    /// <summary>The depthwise convolutions, for kernel size K; null stands for K.</summary>
    public required IReadOnlyList<(int? Height, int? Width)> Kernels { get; init; }

    /// <summary>The first of them is the 2×2 of XSepConv.</summary>
    public bool HasTwoByTwo => Kernels[0] == (2, 2);

    /// <summary>Squeeze-excite may be on the output.</summary>
    public bool SqueezesOutput { get; init; }

    /// <summary>There is no expansion where it would not change the number of channels.</summary>
    public bool SkipsExpansion { get; init; }

    /// <summary>The nonlinearity comes before squeeze-excite on the expanded map, not after it.</summary>
    public bool ActivatesBeforeSqueeze { get; init; }

    /// <summary>The convolutions of squeeze-excite have biases, and no batch norms.</summary>
    public bool HasBiasedSqueeze { get; init; }

    /// <summary>There is a shortcut only where the input can be added as it is: no 1×1 convolution makes it fit.</summary>
    public bool HasPlainShortcut { get; init; }

    public static BlockShape Of(BlockKind kind) => kind switch
    {
        BlockKind.Dw => new() { Kernels = [(null, null)], SqueezesOutput = true },
        BlockKind.XSep => new() { Kernels = [(2, 2), (1, null), (null, 1)] },
        BlockKind.Sep => new() { Kernels = [(1, null), (null, 1)] },
        BlockKind.InvertedResidual => new()
        {
            Kernels = [(null, null)],
            SkipsExpansion = true,
            ActivatesBeforeSqueeze = true,
            HasBiasedSqueeze = true,
            HasPlainShortcut = true,
        },
        BlockKind.XSepInvertedResidual => Of(BlockKind.InvertedResidual) with { Kernels = Of(BlockKind.XSep).Kernels },
        _ => throw EnumValues.Unknown(kind),
    };
}
