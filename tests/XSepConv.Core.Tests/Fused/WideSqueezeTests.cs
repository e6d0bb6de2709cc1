using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>Squeeze-excite with more channels within than its map has, as a row may ask for.</summary>
public sealed class WideSqueezeTests
{
    public static TheoryData<string, int, bool> Cases()
    {
        var data = new TheoryData<string, int, bool>();
        foreach (var kernels in Widths.Tested)
        {
            foreach (var squeezed in new[] { 32, 64, 130 })
            {
                data.Add(kernels.Name, squeezed, true);
                data.Add(kernels.Name, squeezed, false);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void It_agrees_with_the_composed_block_in_float64(string name, int squeezed, bool training)
    {
        using var scope = NewDisposeScope();
        var spec = new BlockSpec(BlockKind.InvertedResidual, 3, 8, 16, 8, Activation.HSwish, SqueezeExcite.Expanded, 1) { SqueezeChannels = squeezed };
        var kernels = KernelRegistry.Available.First(one => one.Name == name);
        BlockTwins.Compare(new(spec, PaddingDirection.LeftTop, training ? 3 : 1, 7, 7), squeezed, training, kernels);
    }
}
