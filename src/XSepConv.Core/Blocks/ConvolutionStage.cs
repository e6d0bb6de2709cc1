using TorchSharp.Modules;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A network's stem, or its last convolution: 3×3 or 1×1 → BN → act, over the layers that the network owns.</summary>
internal sealed class ConvolutionStage(Conv2d conv, BatchNorm2d norm, Activation activation) : FusableStage(conv, norm)
{
    /// <summary>Runs the stage.</summary>
    /// <param name="x">[N, In, H, W].</param>
    /// <returns>[N, Out, ⌈H/s⌉, ⌈W/s⌉].</returns>
    public Tensor Forward(Tensor x) =>
        Backend != XSepBackend.Composed && IsMap(x) && Resolve(Backend, x) == XSepBackend.Fused && !HasHooks
            ? Fused(x) : activation.Apply(norm.call(conv.call(x)));

    // Others, as of a block that the user put before it, the layers refuse.
    private bool IsMap(Tensor x) => x.dim() == 4 && x.size(0) > 0 && x.size(1) == conv.in_channels;

    protected override string? WhyNotFused(Tensor x)
    {
        var (kernel, stride, channels) = (conv.weight.size(3), conv.stride![0], norm.num_features);
        if (kernel is not (1 or 3) || (kernel == 1 && stride != 1)) return $"a convolution has K = {kernel} and stride {stride}";
        return FusedMemory.WhyNot(x, "the input", x.numel())
            ?? FusedMemory.WhyNot(
                conv, new((kernel, kernel), (stride, stride), (kernel / 2, kernel / 2)), 1, channels * conv.in_channels * kernel * kernel)
            ?? FusedMemory.WhyNot(norm, channels)
            ?? StageChecks.WhyNot(x.size(2), x.size(3), kernel, stride)
            ?? FusedMemory.WhyNot(BlockKernels.Of(KernelRegistry.Current).Sizes(Shape(x)));
    }

    private Tensor Fused(Tensor x) =>
        new FusedConvolution(Shape(x), BlockKernels.Of(KernelRegistry.Current), new FusedNorm(norm)).Apply(
            [x, conv.weight, norm.weight, norm.bias!]);

    private ConvolutionTrainingShape Shape(Tensor x) => new(
        (int)x.size(0), (int)conv.in_channels, (int)norm.num_features, (int)x.size(2), (int)x.size(3), (int)conv.weight.size(3),
        (int)conv.stride![0], activation)
    {
        HasInputGradient = x.requires_grad,
    };
}
