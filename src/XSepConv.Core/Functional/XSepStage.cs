using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A module that holds an XSepConv.</summary>
internal interface IXSepOperator
{
    /// <summary>Its 2×2 depthwise layer.</summary>
    Conv2d Conv2x2 { get; }

    /// <summary>Where that pads.</summary>
    PaddingDirection Padding { get; }
}

/// <summary>
/// The XSepConv operator over the layers that a module owns: pad → 2×2 → BN → act → 1×K → BN → act → K×1 → BN, all depthwise, on E channels.
/// </summary>
/// <remarks>Source: arXiv 2002.12046, section 3. Stride s is 1×K's in width and K×1's in height; the 2×2 runs at full resolution.</remarks>
internal sealed class XSepStage
{
    private readonly Conv2d _conv2x2, _conv1xK, _convKx1;
    private readonly BatchNorm2d _bn2x2, _bn1xK, _bnKx1;
    private readonly PaddingDirection _padding;
    private readonly Activation _activation;

    public XSepStage(
        Conv2d conv2x2, BatchNorm2d bn2x2, Conv2d conv1xK, BatchNorm2d bn1xK, Conv2d convKx1, BatchNorm2d bnKx1, PaddingDirection padding, Activation activation)
    {
        (_conv2x2, _bn2x2, _conv1xK, _bn1xK, _convKx1, _bnKx1) = (conv2x2, bn2x2, conv1xK, bn1xK, convKx1, bnKx1);
        (_padding, _activation) = (padding, activation);
    }

    public static Conv2d Conv2x2(int channels, Device? device, ScalarType? dtype) =>
        nn.Conv2d(channels, channels, 2, groups: channels, bias: false, device: device, dtype: dtype);

    public static Conv2d Conv1xK(int channels, int kernelSize, int stride, Device? device, ScalarType? dtype) =>
        nn.Conv2d(channels, channels, (1, kernelSize), stride: (1, stride), padding: (0, kernelSize / 2), groups: channels, bias: false, device: device, dtype: dtype);

    public static Conv2d ConvKx1(int channels, int kernelSize, int stride, Device? device, ScalarType? dtype) =>
        nn.Conv2d(channels, channels, (kernelSize, 1), stride: (stride, 1), padding: (kernelSize / 2, 0), groups: channels, bias: false, device: device, dtype: dtype);

    /// <summary>Runs the stage.</summary>
    /// <param name="x">[N, E, H, W], or [N, E, H+1, W+1] when <paramref name="padded"/>.</param>
    /// <param name="padded">Whether the row and the column that the 2×2 takes away are already there.</param>
    /// <returns>[N, E, ⌈H/s⌉, ⌈W/s⌉].</returns>
    public Tensor Forward(Tensor x, bool padded)
    {
        using var scope = NewDisposeScope();
        if (!padded) x = DirectionalPadding.Pad(x, _padding);
        x = _activation.Apply(_bn2x2.call(_conv2x2.call(x)));
        x = _activation.Apply(_bn1xK.call(_conv1xK.call(x)));
        return _bnKx1.call(_convKx1.call(x)).MoveToOuterDisposeScope();
    }
}
