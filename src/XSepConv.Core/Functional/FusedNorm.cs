using TorchSharp.Modules;

namespace XSepConv;

/// <summary>One batch norm at the time of a forward; the momentum is this batch's share in the running statistics.</summary>
internal sealed record FusedNorm(BatchNorm2d Module, double Epsilon, double Momentum)
{
    /// <summary>Takes the settings, and counts the batch in training.</summary>
    public static FusedNorm Of(BatchNorm2d module) => new(module, module.eps, module.training ? FusedMemory.CountBatch(module) : 0);
}
