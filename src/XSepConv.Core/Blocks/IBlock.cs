using XSepConv.Layers;

namespace XSepConv;

/// <summary>A network that a table describes.</summary>
internal interface INetwork
{
    NetworkSpec Spec { get; }
}

/// <summary>A block of a network's table.</summary>
internal interface IBlock
{
    BlockLayers Layers { get; }
}
