using TorchSharp;
using TorchSharp.Modules;
using XSepConv.Kernels;

namespace XSepConv;

/// <summary>One batch norm, with its epsilon at the time of a forward.</summary>
internal sealed record FusedNorm(BatchNorm2d Module, double Epsilon)
{
    public FusedNorm(BatchNorm2d module) : this(module, module.eps)
    {
    }

    /// <summary>What inference reads.</summary>
    public BatchNormParameters ToInfer() => FusedMemory.Parameters(Module, momentum: 0);

    /// <summary>Counts a batch, as torch's batch norm does, for what training updates by its share in the running statistics.</summary>
    public BatchNormParameters CountBatch()
    {
        if (Module.num_batches_tracked is not { } count) return FusedMemory.Parameters(Module, Module.momentum ?? 0);
        count.add_(1);
        return FusedMemory.Parameters(Module, Module.momentum ?? 1 / (double)count.ToInt64());
    }
}
