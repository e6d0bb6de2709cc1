namespace XSepConv.Kernels;

/// <summary>
/// A block in training: 1×1 expand → norm → act (if it expands) → spatial stage → norm → squeeze-excite and act, in either order → 1×1
/// project → norm → squeeze-excite (if it stands there), plus the shortcut.
/// </summary>
/// <param name="Batch">N.</param>
/// <param name="In">Input channels.</param>
/// <param name="Expand">Channels of the expanded map.</param>
/// <param name="Out">Output channels.</param>
/// <param name="Height">Rows of the input.</param>
/// <param name="Width">Columns of the input.</param>
/// <param name="Kernel">K, odd.</param>
/// <param name="Stride">1 or 2.</param>
/// <param name="Activation">The nonlinearity.</param>
internal readonly record struct BlockTrainingShape(
    int Batch, int In, int Expand, int Out, int Height, int Width, int Kernel, int Stride, Activation Activation)
{
    // Measured: up to here making the map again costs some 0.07 ms a megabyte, further on twice as much.
    private const int MostInToExpandAgain = 40;

    /// <summary>The spatial stage is 1×K → norm → act → K×1, with a 2×2 → norm → act before it or without, not K×K.</summary>
    public bool IsSeparated { get; init; }

    /// <summary>Where the 2×2 of an XSepConv pads; null where there is none.</summary>
    public PaddingDirection? Padding { get; init; }

    /// <summary>It pads the block's input, so that the expanded map has a row and a column more.</summary>
    public bool Prepadded { get; init; }

    /// <summary>There is no expansion: the input is the expanded map.</summary>
    public bool SkipsExpansion { get; init; }

    /// <summary>Channels between squeeze-excite's convolutions; 0 without.</summary>
    public int Squeezed { get; init; }

    /// <summary>Squeeze-excite stands after the projection.</summary>
    public bool SqueezesOutput { get; init; }

    /// <summary>The activation comes before squeeze-excite on the expanded map.</summary>
    public bool ActivatesBeforeSqueeze { get; init; }

    /// <summary>The input is added where channels allow; no convolution makes it fit.</summary>
    public bool HasPlainShortcut { get; init; }

    public bool HasSqueeze => Squeezed > 0;

    public bool SqueezesExpanded => HasSqueeze && !SqueezesOutput;

    /// <summary>A shortcut is added: the input, or where channels differ a convolution of it.</summary>
    public bool IsAdded => Stride == 1 && (In == Out || !HasPlainShortcut);

    public bool HasShortcutConvolution => IsAdded && In != Out;

    /// <summary>
    /// The expanded map, a block's largest, is not kept but made again in backward: where few channels become many, that costs little.
    /// </summary>
    public bool ExpandsAgain => !SkipsExpansion && In <= MostInToExpandAgain && Expand >= 2 * In;

    public bool HasTwoByTwo => Padding is not null;

    public int OutputHeight => ((Height - 1) / Stride) + 1;

    public int OutputWidth => ((Width - 1) / Stride) + 1;

    public int Plane => Height * Width;

    /// <summary>Of the expanded map.</summary>
    public int ExpandedPlane => Prepadded ? (Height + 1) * (Width + 1) : Plane;

    public int OutputPlane => OutputHeight * OutputWidth;

    public XSepStageShape XSep => new(Batch, Expand, Height, Width, Kernel, Stride, Padding ?? default, Activation)
    {
        Prepadded = Prepadded,
        SkipsTwoByTwo = !HasTwoByTwo,
    };

    public DepthwiseStageShape Depthwise => new(Batch, Expand, Height, Width, Kernel, Stride, null);

    public PixelChunks ExpandChunks => new(Batch, ExpandedPlane, In + Expand);

    public PixelChunks ProjectChunks => new(Batch, OutputPlane, Expand + Out);

    public PixelChunks ShortcutChunks => new(Batch, Plane, In + Out);
}

/// <summary>A block's parameters. Of those that it lacks nothing is read.</summary>
internal unsafe struct BlockParameters
{
    /// <summary>The input with its row and column of zeros, where that is padded: [N, In, H + 1, W + 1].</summary>
    public float* Padded;

    public ConvNormParameters Expand;

    /// <summary>K×K, or 2×2.</summary>
    public ConvNormParameters Spatial;
    public ConvNormParameters Horizontal;
    public ConvNormParameters Vertical;
    public ConvNormParameters Squeeze;
    public ConvNormParameters Excite;
    public ConvNormParameters Project;
    public ConvNormParameters Shortcut;

    public readonly XSepStageParameters XSep => new()
    {
        TwoByTwo = Spatial.Weights,
        Horizontal = Horizontal.Weights,
        Vertical = Vertical.Weights,
        First = Spatial.Norm,
        Second = Horizontal.Norm,
        Third = Vertical.Norm,
    };

    public readonly DepthwiseStageParameters Depthwise => new() { Weights = Spatial.Weights, Norm = Spatial.Norm };
}

/// <summary>Where a block's backward writes; overwritten, not added to.</summary>
internal unsafe struct BlockGradients
{
    /// <summary>
    /// Null where it is not wanted. Where the input is padded, of a shortcut's convolution alone, and nothing is written without one.
    /// </summary>
    public float* Input;

    /// <summary>Of the padded input, if that is there and wanted.</summary>
    public float* Padded;
    public ConvNormGradients Expand;
    public ConvNormGradients Spatial;
    public ConvNormGradients Horizontal;
    public ConvNormGradients Vertical;
    public ConvNormGradients Squeeze;
    public ConvNormGradients Excite;
    public ConvNormGradients Project;
    public ConvNormGradients Shortcut;

    public readonly XSepStageGradients XSep => new()
    {
        TwoByTwo = Spatial.Weights,
        Horizontal = Horizontal.Weights,
        Vertical = Vertical.Weights,
        First = Spatial.Norm,
        Second = Horizontal.Norm,
    };
}
