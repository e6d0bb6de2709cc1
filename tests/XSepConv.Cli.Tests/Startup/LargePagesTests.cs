namespace XSepConv.Cli.Tests;

/// <summary>The heap in which libtorch's tensors lie is asked large pages for before it has grown.</summary>
public sealed class LargePagesTests
{
    [Fact]
    public async Task The_program_s_heap_is_asked_large_pages_for_and_takes_no_memory_by_that()
    {
        Assert.SkipUnless(MemoryMaps.KnowsLargePages, "The system tells nothing of large pages.");
        Assert.SkipUnless(UnmanagedMemory.IsExact, "The C library is not glibc.");
        Assert.SkipUnless(MemoryMaps.UntouchedIsFree, "The system sets memory aside that is not touched.");
        using var tool = ToolProcess.Talk("predict", "--stream", "--checkpoint", Path.Combine(Rooms.Repository(), "models", "cifar-10.safetensors"));
        await tool.Input.WriteAsync("no-such.png\n"u8.ToArray(), TestContext.Current.CancellationToken);
        await tool.Input.FlushAsync(TestContext.Current.CancellationToken);
        Assert.NotNull(await tool.ReadLine());

        // Half of the memory was asked for.
        Assert.InRange(
            MemoryMaps.BytesOfLargePages(tool.Id), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4, long.MaxValue);
        Assert.InRange(tool.WorkingSet, 1, 300 << 20);
    }
}
