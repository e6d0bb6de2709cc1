using TorchSharp;
using TorchSharp.Modules;
using XSepConv.Kernels;
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
/// The XSepConv operator over the layers that a module owns: pad → 2×2 → BN → act → 1×K → BN → act → K×1 → BN, all depthwise, on E
/// channels.
/// </summary>
/// <remarks>Source: arXiv 2002.12046, section 3. Stride s is 1×K's in width and K×1's in height; the 2×2 runs at full resolution.</remarks>
internal sealed class XSepStage : FusableStage
{
    private static readonly ConvGeometry s_geometry2x2 = new((2, 2), (1, 1), (0, 0));

    private readonly Conv2d _conv2x2, _conv1xK, _convKx1;
    private readonly BatchNorm2d _bn2x2, _bn1xK, _bnKx1;
    private readonly PaddingDirection _padding;
    private readonly Activation _activation;

    public XSepStage(
        Conv2d conv2x2, BatchNorm2d bn2x2, Conv2d conv1xK, BatchNorm2d bn1xK, Conv2d convKx1, BatchNorm2d bnKx1,
        PaddingDirection padding, Activation activation)
        : base(conv2x2, bn2x2, conv1xK, bn1xK, convKx1, bnKx1)
    {
        (_conv2x2, _bn2x2, _conv1xK, _bn1xK, _convKx1, _bnKx1) = (conv2x2, bn2x2, conv1xK, bn1xK, convKx1, bnKx1);
        (_padding, _activation) = (padding, activation);
    }

    /// <summary>Runs the stage.</summary>
    /// <param name="x">[N, E, H, W], or [N, E, H+1, W+1] when <paramref name="padded"/>.</param>
    /// <param name="padded">Whether the row and the column that the 2×2 takes away are already there.</param>
    /// <param name="activated">Whether the nonlinearity follows the last batch norm, too.</param>
    /// <returns>[N, E, ⌈H/s⌉, ⌈W/s⌉].</returns>
    /// <exception cref="InvalidOperationException">The fused operator is asked for and can't run.</exception>
    public Tensor Forward(Tensor x, bool padded, bool activated)
    {
        // Fused makes nothing but its result, and a scope costs 300 bytes a call.
        if (RunsFused(x)) return Fused(x, padded, activated);
        using var scope = NewDisposeScope();
        var hooked = HasHooks;
        return scope.Leave(Composed(x, padded, activated), hooked);
    }

    protected override string? WhyNotFused(Tensor x)
    {
        var (channels, kernel, stride, training) = (x.size(1), _conv1xK.weight.size(3), _convKx1.stride![0], _bn2x2.training);
        return FusedMemory.WhyNot(x, "the input", x.numel())
            ?? FusedMemory.WhyNot(_conv2x2, s_geometry2x2, channels) ?? FusedMemory.WhyNot(_bn2x2, channels)
            ?? FusedMemory.WhyNot(_conv1xK, new((1, kernel), (1, stride), (0, kernel / 2)), channels)
            ?? FusedMemory.WhyNot(_bn1xK, channels, training)
            ?? FusedMemory.WhyNot(_convKx1, new((kernel, 1), (stride, 1), (kernel / 2, 0)), channels)
            ?? FusedMemory.WhyNot(_bnKx1, channels, training)
            ?? StageChecks.WhyNot(x.size(2), x.size(3), kernel, stride);
    }

    private Tensor Composed(Tensor x, bool padded, bool activated)
    {
        x = _activation.Apply(_bn2x2.call(Convolve2x2(x, padded)));
        x = _activation.Apply(_bn1xK.call(_conv1xK.call(x)));
        x = _bnKx1.call(_convKx1.call(x));
        return activated ? _activation.Apply(x) : x;
    }

    // A forced Composed runs the layers as they are, so that a trace of them sees each.
    private Tensor Convolve2x2(Tensor x, bool padded)
    {
        if (padded) return _conv2x2.call(x);
        return x.device_type == DeviceType.CUDA && Backend == XSepBackend.Auto && !HasHooks && _conv2x2.bias is null
            && s_geometry2x2.Fits(_conv2x2, x.size(1))
            ? nn.functional.conv2d(x, DirectionalPadding.Embed(_conv2x2.weight, _padding), padding: [1, 1], groups: x.size(1))
            : _conv2x2.call(DirectionalPadding.Pad(x, _padding));
    }

    private Tensor Fused(Tensor x, bool padded, bool activated)
    {
        var border = padded ? 1 : 0;
        var shape = new XSepStageShape(
            (int)x.size(0), (int)x.size(1), (int)x.size(2) - border, (int)x.size(3) - border, (int)_conv1xK.weight.size(3),
            (int)_convKx1.stride![0], _padding, _activation)
        {
            Prepadded = padded,
            ActivateOutput = activated,
        };
        if (_bn2x2.training) shape.ValidateForTraining();
        else shape.Validate();

        Tensor[] tensors =
        [
            x, _conv2x2.weight, _bn2x2.weight, _bn2x2.bias!, _conv1xK.weight, _bn1xK.weight, _bn1xK.bias!,
            _convKx1.weight, _bnKx1.weight, _bnKx1.bias!,
        ];
        var (first, second, third) = (new FusedNorm(_bn2x2), new FusedNorm(_bn1xK), new FusedNorm(_bnKx1));
        return new FusedXSep(shape, KernelRegistry.Current, first, second, third).Apply(tensors);
    }
}
