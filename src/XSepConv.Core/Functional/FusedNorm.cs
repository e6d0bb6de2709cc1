using TorchSharp.Modules;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>One batch norm, with its epsilon and its mode at the time of a forward.</summary>
internal sealed record FusedNorm(BatchNorm2d Module, double Epsilon, bool IsFrozen)
{
    public FusedNorm(BatchNorm2d module) : this(module, module.eps, !module.training)
    {
    }

    /// <summary>For a forward. In training it counts the batch: nothing may be refused any more.</summary>
    public BatchNormParameters ToForward()
    {
        if (IsFrozen) return FusedMemory.Parameters(Module, momentum: 0) with { Frozen = true };
        if (Module.num_batches_tracked is not { } count) return FusedMemory.Parameters(Module, Module.momentum ?? 0);
        count.add_(Scalars.One, Scalars.One);
        return FusedMemory.Parameters(Module, Module.momentum ?? 1 / (double)count.to(ScalarType.Int64).item<long>());
    }

    /// <summary>For a backward, with scale and shift as they were kept.</summary>
    public BatchNormParameters ToBackward(Tensor weight, Tensor bias) =>
        FusedMemory.Parameters(weight, bias, Epsilon) with { Frozen = IsFrozen };
}
