namespace XSepConv;

/// <summary>Where the one row and one column of zeros go before a 2×2 depthwise convolution, so that it keeps the map's size.</summary>
/// <remarks>
/// Source: the improved symmetric padding strategy of XSepConv (arXiv 2002.12046). Padding on one side shifts the content by half a pixel
/// toward the other side; a network pads its layers so that the shifts cancel (<see cref="PaddingPlan"/>).
/// </remarks>
public enum PaddingDirection
{
    /// <summary>
    /// Zeros right and below, <c>F.pad (0,1,0,1)</c>: the content shifts toward left and top. Opposite of <see cref="LeftTop"/>.
    /// </summary>
    RightBottom,

    /// <summary>
    /// Zeros left and above, <c>F.pad (1,0,1,0)</c>: the content shifts toward right and bottom. Opposite of <see cref="RightBottom"/>.
    /// </summary>
    LeftTop,

    /// <summary>
    /// Zeros left and below, <c>F.pad (1,0,0,1)</c>: the content shifts toward right and top. Opposite of <see cref="RightTop"/>.
    /// </summary>
    LeftBottom,

    /// <summary>
    /// Zeros right and above, <c>F.pad (0,1,1,0)</c>: the content shifts toward left and bottom. Opposite of <see cref="LeftBottom"/>.
    /// </summary>
    RightTop,

    /// <summary>
    /// The traditional symmetric padding: the channels in four consecutive groups (sizes differ by at most one, larger ones first),
    /// padded <see cref="LeftTop"/>, <see cref="LeftBottom"/>, <see cref="RightTop"/>, <see cref="RightBottom"/>. No net shift.
    /// </summary>
    Symmetric,
}
