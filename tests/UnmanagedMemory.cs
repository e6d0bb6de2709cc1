using System.Diagnostics;
using System.Runtime.InteropServices;

namespace XSepConv.Tests;

/// <summary>
/// What this process holds outside the garbage collector's heap: tensors and buffers. How much garbage waits to be collected is the collector's choice (its
/// youngest generation is as large as the processor's last cache, from 1 MiB to hundreds) and says nothing about leaks, so tests count this, not resident
/// memory.
/// </summary>
internal static partial class UnmanagedMemory
{
    /// <summary>Whether it is glibc's own count, to the byte.</summary>
    public static bool IsExact { get; } = OperatingSystem.IsLinux()
        && NativeLibrary.TryLoad("libc.so.6", out var libc)
        && NativeLibrary.TryGetExport(libc, "mallinfo2", out _);

    /// <summary>Bytes in use, once finalisers have run. By glibc's own count; elsewhere what is resident, less what the collector holds.</summary>
    public static long InUse()
    {
        Finalisers.Run();
        if (IsExact)
        {
            var state = MallInfo2();
            return state.InUse + state.Mapped;
        }

        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64 - GC.GetGCMemoryInfo().TotalCommittedBytes;
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallinfo2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial AllocatorState MallInfo2();

    // glibc's malloc.h, struct mallinfo2: ten sizes, over all arenas. Blocks that are mapped one by one are counted apart.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct AllocatorState
    {
        private readonly Sizes _sizes;

        public long InUse => (long)_sizes[7];

        public long Mapped => (long)_sizes[4];

        [System.Runtime.CompilerServices.InlineArray(10)]
        private struct Sizes
        {
            private nuint _first;
        }
    }
}
