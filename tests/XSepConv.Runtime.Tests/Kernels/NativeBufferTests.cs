using System.Runtime.CompilerServices;
using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Memory for weights and maps.</summary>
public sealed unsafe class NativeBufferTests
{
    private const int LargePageFloats = (2 << 20) / sizeof(float);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(LargePageFloats - 1)]
    [InlineData(LargePageFloats)]
    [InlineData((3 * LargePageFloats) + 5)]
    public void A_buffer_is_of_zeros_and_begins_a_cache_line(int floats)
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
            var buffer = new NativeBuffer(floats);
            Assert.Equal(floats, buffer.Floats);
            Assert.Equal(0u, (nuint)buffer.Start % 64);
            var values = new Span<float>(buffer.Start, floats);
            Assert.Equal(-1, values.IndexOfAnyExcept(0f));
            values.Fill(1);
            GC.KeepAlive(buffer);
        }
    }

    [Theory]
    [InlineData(LargePageFloats)]
    [InlineData((5 * LargePageFloats) - 7)]
    public void A_buffer_of_2_MB_and_more_asks_for_large_pages(int floats)
    {
        Assert.SkipUnless(MemoryMaps.KnowsLargePages, "The system tells nothing of large pages.");
        var buffer = new NativeBuffer(floats);
        Assert.True(MemoryMaps.WantsLargePages((nuint)buffer.Start));
        Assert.True(MemoryMaps.WantsLargePages((nuint)(buffer.Start + floats - 1)));
        Assert.Equal(0u, (nuint)buffer.Start % (LargePageFloats * sizeof(float)));
        GC.KeepAlive(buffer);
    }

    [Fact]
    public void A_buffer_is_freed_when_nothing_refers_to_it()
    {
        Assert.SkipUnless(UnmanagedMemory.IsExact, "The C library is not glibc.");
        const long Bytes = 256L << 20;
        var before = UnmanagedMemory.InUse();
        Use();
        Assert.InRange(UnmanagedMemory.InUse() - before, -Bytes / 4, Bytes / 4);

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Use()
        {
            var buffer = new NativeBuffer(Bytes / sizeof(float));
            Assert.InRange(UnmanagedMemory.InUse() - before, Bytes * 3 / 4, Bytes * 5 / 4);
            GC.KeepAlive(buffer);
        }
    }

    [Fact]
    public void More_than_there_is_is_refused_before_the_system_promises_it()
    {
        var most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var refused = Assert.ThrowsAny<OutOfMemoryException>(() => new NativeBuffer((most / sizeof(float)) + LargePageFloats));
        Assert.Contains($"{most:N0}", refused.Message, StringComparison.Ordinal);
    }

    // Nothing is touched: the second half and a bit is too much only together with the first.
    [Fact]
    public void What_other_buffers_hold_counts_until_nothing_refers_to_them()
    {
        Assert.SkipUnless(MemoryMaps.UntouchedIsFree, "The system sets memory aside that is not touched.");
        var most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / sizeof(float);
        Hold(most);
        GC.KeepAlive(new NativeBuffer(most / 2));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Hold(long most)
        {
            var half = new NativeBuffer(most / 2);
            Assert.ThrowsAny<OutOfMemoryException>(() => new NativeBuffer((most / 2) + LargePageFloats));
            GC.KeepAlive(half);
        }
    }
}
