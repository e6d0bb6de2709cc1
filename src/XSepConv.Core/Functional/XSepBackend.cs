namespace XSepConv;

/// <summary>
/// How the spatial operator of a module is computed: the XSepConv of an <see cref="XSepConv2d"/> or <see cref="XSepBlock"/>, or the K×K depthwise
/// convolution of a <see cref="DwBlock"/> with the batch norm and the nonlinearity after it.
/// </summary>
/// <remarks>
/// Fused, the stage's layers do not run one by one: their own forward hooks are not called, and only their parameters, buffers and modes count.
/// </remarks>
public enum XSepBackend
{
    /// <summary>Fused where that can run (CPU, float32, batch norms as they are built here), composed elsewhere.</summary>
    Auto,

    /// <summary>Stock libtorch operators, one after the other: every device and dtype.</summary>
    Composed,

    /// <summary>One fused operator that keeps a channel in the processor's cache; an exception where it can't run.</summary>
    Fused,
}
