namespace XSepConv;

/// <summary>Checks what block constructors are given.</summary>
internal static class BlockArguments
{
    public static void RequireChannels(int channels, string name)
    {
        if (channels is < 1 or > NetworkSpec.MostChannels)
        {
            throw new ArgumentOutOfRangeException(
                name, channels, FormattableString.Invariant($"Channels go from 1 to {NetworkSpec.MostChannels:N0}."));
        }
    }

    public static void RequireKernel(int kernelSize, string name)
    {
        if (kernelSize is < 1 or > NetworkSpec.LargestKernel || kernelSize % 2 == 0)
        {
            throw new ArgumentOutOfRangeException(
                name, kernelSize,
                $"The kernel size is odd, from 1 to {NetworkSpec.LargestKernel}, so that its padding is the same on both sides.");
        }
    }

    public static void RequireStride(int stride, string name)
    {
        if (stride is not (1 or 2))
        {
            throw new ArgumentOutOfRangeException(name, stride, "The stride is 1 or 2.");
        }
    }

    public static void RequireBlock(BlockSpec block, BlockKind kind)
    {
        ArgumentNullException.ThrowIfNull(block);
        var problems = block.Problems().ToList();
        if (block.Kind != kind) problems.Insert(0, $"kind is {block.Kind}, this block is {kind}");
        if (problems.Count > 0)
        {
            throw new ArgumentException($"The block can't be built: {Listing.Of(problems)}.", nameof(block));
        }
    }
}
