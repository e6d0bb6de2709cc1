using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>What a block keeps from forward to backward.</summary>
public sealed class KeptMemoryTests
{
    /// <summary>The raw maps of the spatial stage, the projection and the shortcut, and the output: not the expanded map, which is made again.</summary>
    [Fact]
    public void A_block_that_makes_many_channels_of_few_does_not_keep_the_expanded_map()
    {
        Assert.SkipUnless(UnmanagedMemory.IsExact, "The C library does not say what it has handed out.");
        const int Batch = 8, In = 4, Expand = 64, Out = 8, Side = 64;
        const long Pixel = (long)Batch * Side * Side * sizeof(float);
        using var threads = new OneThread();
        using var block = new XSepBlock(5, In, Expand, Out, PaddingDirection.LeftTop, squeezeExcite: false);
        using var x = randn(Batch, In, Side, Side);
        block.call(x).sum().backward();
        var before = UnmanagedMemory.InUse();
        using var scope = NewDisposeScope();
        var y = block.call(x);
        var kept = UnmanagedMemory.InUse() - before;

        // Vectors have up to 16 channels, so that 8 take the room of 16: the projection's, and the shortcut's.
        Assert.InRange(kept, (Expand + (3 * Out)) * Pixel, (Expand + (2 * 16) + Out + (In / 2)) * Pixel);
        y.sum().backward();
    }
}
