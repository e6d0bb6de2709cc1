namespace XSepConv;

/// <summary>
/// How modules are computed: an <see cref="XSepConv2d"/>, the blocks, and a network's first and last convolution with the batch norm and
/// the nonlinearity after it.
/// </summary>
/// <remarks>
/// <para>A block runs as one fused operator where all of its layers are as they were built and without hooks. Otherwise its layers run one
/// by one, but for its spatial operator, the XSepConv or the K×K depthwise convolution with what follows, which is fused alone under the
/// same conditions where all of its batch norms are in one mode. (A <see cref="SepBlock"/> is fused as a whole or not at all.)</para>
/// <para>Fused, layers do not run one by one: only their parameters, buffers, settings and modes count. In training, fused keeps its input
/// and all of its parameters for backward: changing one of them in place before that ends with libtorch's own error, also where the
/// composed layers
/// have kept a copy.</para>
/// </remarks>
public enum XSepBackend
{
    /// <summary>Fused where that can run (CPU, float32, layers as they are built here and without hooks), composed elsewhere.</summary>
    Auto,

    /// <summary>Stock libtorch operators, one after the other: every device and dtype.</summary>
    Composed,

    /// <summary>
    /// Fused at least in the spatial operator, which keeps a channel in the processor's cache; an exception where that can't run.
    /// </summary>
    Fused,
}
