using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A network that a table describes.</summary>
internal interface INetwork : IFusableEnds
{
    NetworkSpec Spec { get; }

    /// <summary>The modules that its forward calls one after the other, as it holds them now.</summary>
    IEnumerable<nn.Module<Tensor, Tensor>> Called { get; }

    /// <summary>Says what of it is not as it was built of <see cref="Spec"/>, or null.</summary>
    string? Change();
}

/// <summary>A block of a network's table.</summary>
internal interface IBlock : IFusable
{
    BlockLayers Layers { get; }

    WholeBlock Whole { get; }

    /// <summary>The modules that its forward calls in the order of the layers, as it holds them now.</summary>
    IEnumerable<nn.Module<Tensor, Tensor>> Called { get; }
}
