namespace XSepConv.Kernels;

/// <summary>The depthwise stage on one tensor: K×K depthwise (padding K/2, stride s) → BN → act, if any.</summary>
/// <param name="Batch">N.</param>
/// <param name="Channels">C.</param>
/// <param name="Height">H, rows of the input.</param>
/// <param name="Width">W, columns of the input.</param>
/// <param name="Kernel">K, odd.</param>
/// <param name="Stride">1 or 2.</param>
/// <param name="Activation">The nonlinearity; null for none.</param>
internal readonly record struct DepthwiseStageShape(int Batch, int Channels, int Height, int Width, int Kernel, int Stride,
    Activation? Activation)
{
    public int OutputHeight => ((Height - 1) / Stride) + 1;

    public int OutputWidth => ((Width - 1) / Stride) + 1;

    public int InputPlane => Height * Width;

    public int OutputPlane => OutputHeight * OutputWidth;

    /// <summary>Zeros on every side.</summary>
    public int Border => Kernel / 2;

    /// <summary>Columns of the input with its zeros left and right.</summary>
    public int BorderedWidth => Width + (2 * Border);

    /// <summary>Refuses what no kernel can run.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range; the message names it.</exception>
    public void Validate()
    {
        StageChecks.Require(Batch, Channels, Height, Width, Kernel, Stride);
        if (Activation is { } activation) EnumValues.Require(activation);
    }

    /// <summary>Refuses a batch that has no variance, as torch does.</summary>
    /// <exception cref="ArgumentException">The batch normalisation would see one value per channel.</exception>
    public void ValidateForTraining()
    {
        Validate();
        StageChecks.RequireVariance(Batch, Channels, OutputHeight, OutputWidth);
    }
}
