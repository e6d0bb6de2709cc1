namespace XSepConv;

/// <summary>
/// How a network chooses where its 2×2 layers pad. The paper's question (arXiv 2002.12046): what do the half-pixel shifts cost?
/// </summary>
public enum PaddingStrategy
{
    /// <summary>
    /// The paper's improved symmetric padding: one-sided, in turn, so that the shifts cancel (<see cref="PaddingPlan.ForStages"/>).
    /// </summary>
    Improved,

    /// <summary>
    /// Traditional symmetric padding: every layer <see cref="PaddingDirection.Symmetric"/>, in four groups of channels. No layer shifts on
    /// the whole.
    /// </summary>
    Symmetric,

    /// <summary>No symmetry: every layer <see cref="PaddingDirection.RightBottom"/>. The shifts add up.</summary>
    RightBottom,
}
