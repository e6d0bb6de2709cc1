using static TorchSharp.torch;

namespace XSepConv;

/// <summary>hswish(x) = x · relu6(x + 3) / 6, elementwise.</summary>
public sealed class HSwish : nn.Module<Tensor, Tensor>
{
    /// <summary>Creates the activation; it has no parameters.</summary>
    public HSwish() : base(LibtorchLoading.Before(nameof(HSwish)))
    {
    }

    /// <summary>Applies hswish.</summary>
    /// <param name="x">Any shape.</param>
    /// <returns>The same shape.</returns>
    public override Tensor forward(Tensor x) => nn.functional.hardswish(x);
}
