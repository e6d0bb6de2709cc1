namespace XSepConv;

/// <summary>
/// How the spatial operator of a module is computed: the XSepConv of an <see cref="XSepConv2d"/> or <see cref="XSepBlock"/>, or the K×K
/// depthwise convolution of a <see cref="DwBlock"/> with the batch norm and the nonlinearity after it.
/// </summary>
/// <remarks>
/// Fused, the stage's layers do not run one by one: only their parameters, buffers, settings and modes count. While one of them has forward
/// hooks, or is not as it was built (another stride, a bias), <see cref="Auto"/> runs composed and <see cref="Fused"/> throws. In training,
/// fused keeps its input and all of its parameters for backward: changing one of them in place before that ends with libtorch's own error,
/// also where the composed layers have kept a copy.
/// </remarks>
public enum XSepBackend
{
    /// <summary>Fused where that can run (CPU, float32, layers as they are built here and without hooks), composed elsewhere.</summary>
    Auto,

    /// <summary>Stock libtorch operators, one after the other: every device and dtype.</summary>
    Composed,

    /// <summary>One fused operator that keeps a channel in the processor's cache; an exception where it can't run.</summary>
    Fused,
}
