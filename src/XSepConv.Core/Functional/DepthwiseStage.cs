using TorchSharp.Modules;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The depthwise stage over the layers that a module owns: K×K depthwise (padding K/2) → BN → act, on C channels.</summary>
internal sealed class DepthwiseStage(Conv2d conv, BatchNorm2d norm, Activation activation) : FusableStage(conv, norm)
{
    /// <summary>Runs the stage.</summary>
    /// <param name="x">[N, C, H, W].</param>
    /// <param name="activated">Whether the nonlinearity follows here; otherwise the caller applies it later.</param>
    /// <returns>[N, C, ⌈H/s⌉, ⌈W/s⌉].</returns>
    /// <exception cref="InvalidOperationException">The fused operator is asked for and can't run.</exception>
    public Tensor Forward(Tensor x, bool activated)
    {
        // Fused makes nothing but its result, and a scope costs 300 bytes a call.
        if (RunsFused(x)) return Fused(x, activated);
        using var scope = NewDisposeScope();
        var hooked = HasHooks;
        return scope.Leave(Composed(x, activated), hooked);
    }

    protected override string? WhyNotFused(Tensor x)
    {
        var (kernel, stride) = (conv.weight.size(3), conv.stride![0]);
        return FusedMemory.WhyNot(x, "the input", x.numel())
            ?? FusedMemory.WhyNot(conv, new((kernel, kernel), (stride, stride), (kernel / 2, kernel / 2)), x.size(1))
            ?? FusedMemory.WhyNot(norm, x.size(1))
            ?? StageChecks.WhyNot(x.size(2), x.size(3), kernel, stride);
    }

    private Tensor Composed(Tensor x, bool activated)
    {
        x = norm.call(conv.call(x));
        return activated ? activation.Apply(x) : x;
    }

    private Tensor Fused(Tensor x, bool activated)
    {
        var shape = new DepthwiseStageShape(
            (int)x.size(0), (int)x.size(1), (int)x.size(2), (int)x.size(3), (int)conv.weight.size(3), (int)conv.stride![0],
            activated ? activation : null);
        if (norm.training) shape.ValidateForTraining();
        else shape.Validate();

        return new FusedDepthwise(shape, KernelRegistry.Current, new FusedNorm(norm)).Apply(
            [x, conv.weight, norm.weight, norm.bias!]);
    }
}
