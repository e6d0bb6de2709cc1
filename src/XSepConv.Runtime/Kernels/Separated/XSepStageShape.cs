namespace XSepConv.Kernels;

/// <summary>
/// The XSepConv stage on one tensor: pad → 2×2 → BN → act → 1×K (stride 1, s) → BN → act → K×1 (stride s, 1) → BN.
/// </summary>
/// <param name="Batch">N.</param>
/// <param name="Channels">C.</param>
/// <param name="Height">H, rows that the 2×2 gives; the input has as many, or one more where it is <see cref="Prepadded"/>.</param>
/// <param name="Width">W, columns likewise.</param>
/// <param name="Kernel">K, odd.</param>
/// <param name="Stride">1 or 2.</param>
/// <param name="Padding">The one-sided padding; of no effect where the input is <see cref="Prepadded"/>.</param>
/// <param name="Activation">The nonlinearity after the first two batch normalisations.</param>
internal readonly record struct XSepStageShape(
    int Batch, int Channels, int Height, int Width, int Kernel, int Stride, PaddingDirection Padding, Activation Activation)
{
    /// <summary>The input is [N, C, H+1, W+1], its border is the caller's, and nothing is padded here.</summary>
    public bool Prepadded { get; init; }

    /// <summary>There is no 2×2, no batch normalisation and no nonlinearity after it: the 1×K comes first.</summary>
    public bool SkipsTwoByTwo { get; init; }

    /// <summary>The nonlinearity follows the third batch normalisation too.</summary>
    public bool ActivateOutput { get; init; }

    public int InputHeight => Prepadded ? Height + 1 : Height;

    public int InputWidth => Prepadded ? Width + 1 : Width;

    public int OutputHeight => ((Height - 1) / Stride) + 1;

    public int OutputWidth => ((Width - 1) / Stride) + 1;

    /// <summary>Elements of a plane of the 2×2's result.</summary>
    public int Plane => Height * Width;

    public int InputPlane => InputHeight * InputWidth;

    /// <summary>Elements of a plane after the 1×K: it strides in width only.</summary>
    public int MiddlePlane => Height * OutputWidth;

    public int OutputPlane => OutputHeight * OutputWidth;

    /// <summary>Refuses what no kernel can run.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range; the message names it.</exception>
    public void Validate()
    {
        StageChecks.Require(Batch, Channels, Height, Width, Kernel, Stride);
        EnumValues.Require(Padding);
        EnumValues.Require(Activation, "activation");
    }

    /// <summary>Refuses a batch that has no variance, as torch does.</summary>
    /// <exception cref="ArgumentException">A batch normalisation would see one value per channel.</exception>
    public void ValidateForTraining()
    {
        Validate();
        StageChecks.RequireVariance(Batch, Channels, OutputHeight, OutputWidth);
    }
}
