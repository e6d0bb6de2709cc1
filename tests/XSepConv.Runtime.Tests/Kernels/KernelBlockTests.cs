using System.Runtime.CompilerServices;
using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Memory for weights and maps.</summary>
public sealed unsafe class KernelBlockTests
{
    private const int LargePageFloats = (2 << 20) / sizeof(float);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(LargePageFloats - 1)]
    [InlineData(LargePageFloats)]
    [InlineData((3 * LargePageFloats) + 5)]
    public void A_block_is_of_zeros_and_begins_a_cache_line(int floats)
    {
        // The second one may be given the first one's memory.
        for (var i = 0; i < 2; i++)
        {
            Used(floats);
            Finalisers.Run();
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Used(int floats)
        {
            var block = new KernelBlock(floats);
            Assert.Equal(floats, block.Floats);
            Assert.Equal(0u, (nuint)block.Start % 64);
            var values = new Span<float>(block.Start, floats);
            Assert.Equal(-1, values.IndexOfAnyExcept(0f));
            values.Fill(1);
            GC.KeepAlive(block);
        }
    }

    [Theory]
    [InlineData(LargePageFloats)]
    [InlineData((5 * LargePageFloats) - 7)]
    public void A_block_of_2_MB_and_more_asks_for_large_pages(int floats)
    {
        Assert.SkipUnless(MemoryMaps.KnowsLargePages, "The system tells nothing of large pages.");
        var block = new KernelBlock(floats);
        Assert.True(MemoryMaps.WantsLargePages((nuint)block.Start));
        Assert.True(MemoryMaps.WantsLargePages((nuint)(block.Start + floats - 1)));
        Assert.Equal(0u, (nuint)block.Start % (LargePageFloats * sizeof(float)));
        GC.KeepAlive(block);
    }

    [Fact]
    public void A_block_is_freed_when_nothing_refers_to_it()
    {
        Assert.SkipUnless(UnmanagedMemory.IsExact, "The C library is not glibc.");
        const long Bytes = 256L << 20;
        var before = UnmanagedMemory.InUse();
        Use();
        Assert.InRange(UnmanagedMemory.InUse() - before, -Bytes / 4, Bytes / 4);

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Use()
        {
            var block = new KernelBlock(Bytes / sizeof(float));
            Assert.InRange(UnmanagedMemory.InUse() - before, Bytes * 3 / 4, Bytes * 5 / 4);
            GC.KeepAlive(block);
        }
    }

    [Fact]
    public void More_than_there_is_is_refused_before_the_system_promises_it()
    {
        var most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var refused = Assert.ThrowsAny<OutOfMemoryException>(() => new KernelBlock((most / sizeof(float)) + LargePageFloats));
        Assert.Contains($"{most:N0}", refused.Message, StringComparison.Ordinal);
    }

    // Nothing is touched: the second half and a bit is too much only together with the first.
    [Fact]
    public void What_other_blocks_hold_counts_until_nothing_refers_to_them()
    {
        var most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / sizeof(float);
        Hold(most);
        GC.KeepAlive(new KernelBlock(most / 2));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Hold(long most)
        {
            var half = new KernelBlock(most / 2);
            Assert.ThrowsAny<OutOfMemoryException>(() => new KernelBlock((most / 2) + LargePageFloats));
            GC.KeepAlive(half);
        }
    }
}
