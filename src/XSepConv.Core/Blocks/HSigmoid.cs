using static TorchSharp.torch;

namespace XSepConv;

/// <summary>hsigmoid(x) = relu6(x + 3) / 6, elementwise.</summary>
public sealed class HSigmoid : nn.Module<Tensor, Tensor>
{
    /// <summary>Creates the activation; it has no parameters.</summary>
    public HSigmoid() : base(LibtorchLoading.Before(nameof(HSigmoid)))
    {
    }

    /// <summary>Applies hsigmoid.</summary>
    /// <param name="x">Any shape.</param>
    /// <returns>The same shape.</returns>
    public override Tensor forward(Tensor x)
    {
        // Not torch's hardsigmoid: its backward multiplies by a sixth rounded to float32, in float64 too.
        using var scope = NewDisposeScope();
        return nn.functional.relu6(x.Plus(Scalars.Three)).div(Scalars.Six).MoveToOuterDisposeScope();
    }
}
