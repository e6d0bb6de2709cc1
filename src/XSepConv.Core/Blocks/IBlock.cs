using XSepConv.Layers;

namespace XSepConv;

/// <summary>A block of a network's table.</summary>
internal interface IBlock
{
    BlockLayers Layers { get; }
}
