using System.Diagnostics;
using System.Runtime.InteropServices;

namespace XSepConv.Core.Tests;

/// <summary>Freed memory that is kept is there at once for the next tensor: the system gives no page a second time.</summary>
public sealed partial class GlibcAllocatorTests
{
    private const string Variable = "XSEPCONV_TEST_ALLOCATOR";

    // Above all that glibc would learn to keep by itself, 32 MB.
    private const int Bytes = 40 << 20;

    private const int Rounds = 20;

    [Fact]
    public async Task Freed_memory_is_kept_where_the_C_library_is_glibc()
    {
        Assert.SkipUnless(UnmanagedMemory.IsExact, "The C library is not glibc.");
        var start = new ProcessStartInfo(Environment.ProcessPath!);
        start.Environment[Variable] = "1";
        await OtherProcess.PassesAsync((typeof(GlibcAllocatorTests), nameof(What_the_other_process_does)), start);
    }

    /// <summary>A process of its own: it can't be taken back, and other tests count what is given back.</summary>
    [Fact]
    public void What_the_other_process_does()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable(Variable) is null, "This is what the other test starts.");

        // Huge pages have 2 MB: so many faults at the least, where the pages of each block are new.
        var most = Rounds * Bytes / (2 << 20);
        Assert.InRange(FaultsOfRounds(), most, long.MaxValue);
        Assert.True(GlibcAllocator.KeepFreedMemory());
        FaultsOfRounds();
        Assert.InRange(FaultsOfRounds(), 0, most / 10);
    }

    private static unsafe long FaultsOfRounds()
    {
        var before = Faults();
        for (var round = 0; round < Rounds; round++)
        {
            var block = (byte*)NativeMemory.Alloc(Bytes);
            for (var at = 0; at < Bytes; at += Environment.SystemPageSize) block[at] = 1;
            NativeMemory.Free(block);
        }

        return Faults() - before;
    }

    /// <summary>Pages that this thread touched first, and got without a disk.</summary>
    private static unsafe long Faults()
    {
        const int ThisThread = 1, Minor = 8;
        var usage = stackalloc long[18];
        Assert.Equal(0, GetUsage(ThisThread, usage));
        return usage[Minor];
    }

    // sys/resource.h's struct rusage: two times of two longs each, then fourteen longs, of which the fifth is ru_minflt.
    [LibraryImport("libc.so.6", EntryPoint = "getrusage")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int GetUsage(int who, long* usage);
}
