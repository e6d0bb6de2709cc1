using XSepConv.Layers;

namespace XSepConv.Inference;

/// <summary>A block's packed layers.</summary>
internal sealed class PackedBlock
{
    public PackedBlock(BlockLayers layers, FoldedNetwork network, WeightMemory memory)
    {
        Layers = layers;
        if (layers.Expand is { } expand) Expand = new(network[expand], memory);
        if (layers.Spatial is [var depthwise])
        {
            Depthwise = new(network[depthwise], memory);
        }
        else
        {
            Horizontal = new(network[layers.Spatial[^2]], memory);
            Vertical = new(network[layers.Spatial[^1]], memory);
        }

        if (layers.Spatial is [{ Padding: { } padding } two, _, _])
        {
            // On a map that has its border already, the 2×2 reads as if nothing were before it.
            TwoByTwo = new(network[two], two.Prepadded ? PaddingDirection.RightBottom : padding, memory);
        }

        if (layers.SqueezeExcite is { } squeezeExcite)
        {
            Squeeze = new(network[squeezeExcite.Squeeze], memory);
            Excite = new(network[squeezeExcite.Excite], memory);
        }

        Project = new(network[layers.Project], memory);
        if (layers.Shortcut is { } shortcut) Shortcut = new(network[shortcut], memory);
    }

    public BlockLayers Layers { get; }

    /// <summary>Null where the depthwise convolution gets the block's input.</summary>
    public PackedPointwise? Expand { get; }

    /// <summary>The K×K; a block without it has the 1×K and the K×1.</summary>
    public PackedDepthwise? Depthwise { get; }

    /// <summary>What XSepConv has before them.</summary>
    public PackedTwoByTwo? TwoByTwo { get; }

    public PackedDepthwise? Horizontal { get; }

    public PackedDepthwise? Vertical { get; }

    public PackedLinear? Squeeze { get; }

    public PackedLinear? Excite { get; }

    public PackedPointwise Project { get; }

    public PackedPointwise? Shortcut { get; }
}
