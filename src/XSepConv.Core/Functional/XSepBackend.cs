namespace XSepConv;

/// <summary>How XSepConv is computed.</summary>
public enum XSepBackend
{
    /// <summary>The fastest that handles the tensors at hand.</summary>
    Auto,

    /// <summary>Stock libtorch operators, one after the other: every device and dtype, any order of differentiation.</summary>
    Composed,

    /// <summary>One fused operator; refused where it is not available.</summary>
    Fused,
}
