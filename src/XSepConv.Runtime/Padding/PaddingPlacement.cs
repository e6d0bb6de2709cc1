namespace XSepConv;

/// <summary>Where an XSepBlock applies the one-sided padding of its 2×2 depthwise convolution.</summary>
public enum PaddingPlacement
{
    /// <summary>The expanded map is padded with zeros, right before the 2×2: the paper's operator, and the default.</summary>
    AfterExpand,

    /// <summary>
    /// The block's input is padded before the 1×1 expand, as the notes' listing does: the border then holds act(BN(0)) instead of zero,
    /// and the expand runs on (H+1)×(W+1). For weights that were trained with that listing.
    /// </summary>
    BeforeExpand,
}
