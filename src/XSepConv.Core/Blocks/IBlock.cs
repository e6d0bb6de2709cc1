using XSepConv.Layers;

namespace XSepConv;

/// <summary>A block of a network's table.</summary>
internal interface IBlock
{
    /// <summary>What it consists of.</summary>
    BlockLayers Layers { get; }
}
