using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A block of a network, or the layers before or after the blocks: what runs between two narrow maps.</summary>
/// <param name="Name">The path of a block, or those of its layers.</param>
/// <param name="Run">From the map before it to the map behind it.</param>
internal sealed record NetworkPart(string Name, Func<Tensor, Tensor> Run)
{
    private readonly string[] _paths = Name.Split(" + ");

    /// <summary>Whether a layer of this path, such as <c>bneck.4.conv2</c>, belongs to it.</summary>
    public bool Has(string layer) =>
        Array.Exists(_paths, path => layer == path || layer.StartsWith($"{path}.", StringComparison.Ordinal));
}
