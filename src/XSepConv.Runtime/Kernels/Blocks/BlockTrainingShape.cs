namespace XSepConv.Kernels;

/// <summary>
/// A block in training: 1×1 expand → norm → act → spatial stage → norm → squeeze-excite (if any) → act → 1×1 project → norm →
/// squeeze-excite (if it stands there), plus the shortcut.
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
    /// <summary>Where the 2×2 of an XSepConv pads; null for a K×K depthwise convolution.</summary>
    public PaddingDirection? Padding { get; init; }

    /// <summary>Channels between squeeze-excite's convolutions; 0 without.</summary>
    public int Squeezed { get; init; }

    /// <summary>Squeeze-excite stands after the projection.</summary>
    public bool SqueezesOutput { get; init; }

    /// <summary>The norms take the running statistics.</summary>
    public bool Frozen { get; init; }

    public bool HasSqueeze => Squeezed > 0;

    public bool SqueezesExpanded => HasSqueeze && !SqueezesOutput;

    /// <summary>A shortcut is added: the input, or where channels differ a convolution of it.</summary>
    public bool IsAdded => Stride == 1;

    public bool HasShortcutConvolution => IsAdded && In != Out;

    public bool IsXSep => Padding is not null;

    public int OutputHeight => ((Height - 1) / Stride) + 1;

    public int OutputWidth => ((Width - 1) / Stride) + 1;

    public int Plane => Height * Width;

    public int OutputPlane => OutputHeight * OutputWidth;

    public XSepStageShape XSep => new(Batch, Expand, Height, Width, Kernel, Stride, Padding!.Value, Activation);

    public DepthwiseStageShape Depthwise => new(Batch, Expand, Height, Width, Kernel, Stride, null);

    public PixelChunks ExpandChunks => new(Batch, Plane, In + Expand);

    public PixelChunks ProjectChunks => new(Batch, OutputPlane, Expand + Out);

    public PixelChunks ShortcutChunks => new(Batch, Plane, In + Out);
}

/// <summary>A block's parameters. Of those that it lacks nothing is read.</summary>
internal struct BlockParameters
{
    public ConvNormParameters Expand;

    /// <summary>K×K, or 2×2.</summary>
    public ConvNormParameters Spatial;
    public ConvNormParameters Horizontal;
    public ConvNormParameters Vertical;
    public ConvNormParameters Squeeze;
    public ConvNormParameters Excite;
    public ConvNormParameters Project;
    public ConvNormParameters Shortcut;

    public readonly XSepStageParameters XSep
    {
        get
        {
            unsafe
            {
                return new()
                {
                    TwoByTwo = Spatial.Weights,
                    Horizontal = Horizontal.Weights,
                    Vertical = Vertical.Weights,
                    First = Spatial.Norm,
                    Second = Horizontal.Norm,
                    Third = Vertical.Norm,
                };
            }
        }
    }

    public readonly DepthwiseStageParameters Depthwise
    {
        get
        {
            unsafe
            {
                return new() { Weights = Spatial.Weights, Norm = Spatial.Norm };
            }
        }
    }
}

/// <summary>Where a block's backward writes; overwritten, not added to.</summary>
internal unsafe struct BlockGradients
{
    /// <summary>Null where it is not wanted.</summary>
    public float* Input;
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
