using TorchSharp.Modules;

namespace XSepConv;

/// <summary>A module that takes maps and has batch norms.</summary>
internal interface INormed
{
    /// <summary>The batch norms that run, by their state-dict prefix, and the values per channel that each sees of one image of this size.</summary>
    IEnumerable<NormUse> Norms(long height, long width);
}

/// <summary>A batch norm at work.</summary>
internal readonly record struct NormUse(string Path, NormBase Norm, long Values)
{
    /// <summary>The same, of a child module.</summary>
    public NormUse In(string child) => this with { Path = $"{child}.{Path}" };

    /// <summary>A side after a convolution with this stride, padded so that only the stride makes it smaller.</summary>
    public static long Strided(long side, long stride) => (side + stride - 1) / stride;
}
