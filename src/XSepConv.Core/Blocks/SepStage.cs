using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The separable stage over the layers that a module owns: 1×K → BN → act → K×1 → BN.</summary>
/// <remarks>It has no kernels but those of a whole block.</remarks>
internal sealed class SepStage(Conv2d conv1xK, BatchNorm2d bn1xK, Conv2d convKx1, BatchNorm2d bnKx1, Activation activation)
    : FusableStage(conv1xK, bn1xK, convKx1, bnKx1)
{
    /// <summary>Runs the layers.</summary>
    /// <param name="x">[N, E, H, W].</param>
    /// <returns>[N, E, ⌈H/s⌉, ⌈W/s⌉].</returns>
    /// <exception cref="InvalidOperationException">The fused operator is asked for.</exception>
    public Tensor Forward(Tensor x)
    {
        RunsFused(x);
        using var scope = NewDisposeScope();
        var hooked = HasHooks;
        x = activation.Apply(bn1xK.call(conv1xK.call(x)));
        return scope.Leave(bnKx1.call(convKx1.call(x)), hooked);
    }

    protected override string? WhyNotFused(Tensor x) => "1×K and K×1 are fused in a whole block only, and this one can't be";
}
