using System.Runtime.InteropServices;
using XSepConv.Kernels;

namespace XSepConv;

/// <summary>
/// Tunes glibc's malloc for tensors: by default it gives every large block back to the system when it is freed, and each new one costs
/// page faults, a sixth of a training step and more. Large pages, where the system has them, save some percent besides.
/// </summary>
public static partial class GlibcAllocator
{
    // From glibc's malloc.h.
    private const int TrimThreshold = -1;
    private const int TopPad = -2;
    private const int MmapMax = -4;
    private const int Never = -1;

    /// <summary>
    /// Has the whole process keep freed memory for its next tensors: it stays as large as it has been. Of addresses it takes as many at
    /// once as half of the machine's memory has, which costs no memory. To be called first, by the main thread, before others allocate;
    /// tunes nothing on musl, Windows and macOS. Then libtorch is loaded.
    /// </summary>
    /// <returns>Whether the allocator was tuned.</returns>
    /// <exception cref="DllNotFoundException">
    /// libtorch can't be loaded; the message names the remedy, which that of a first call of TorchSharp does not.
    /// </exception>
    public static bool KeepFreedMemory()
    {
        var isTuned = Tune();
        LibtorchLoading.Require();
        return isTuned;
    }

    /// <summary>The same without loading libtorch, for programs that may not need it.</summary>
    internal static bool Tune()
    {
        // musl has neither gnu_get_libc_version nor mallopt, so the look-up tells glibc apart.
        if (!OperatingSystem.IsLinux()
            || !NativeLibrary.TryLoad("libc.so.6", out var libc)
            || !NativeLibrary.TryGetExport(libc, "gnu_get_libc_version", out _)
            || !NativeLibrary.TryGetExport(libc, "mallopt", out _))
        {
            return false;
        }

        // mallopt returns 1 on success.
        var isTuned = (MallOpt(MmapMax, 0) & MallOpt(TrimThreshold, Never) & MallOpt(TopPad, 64 << 20)) == 1;
        if (isTuned) AskForLargePages();
        return isTuned;
    }

    // The main thread's heap gets the addresses that it may grow into at once, no memory: what it gets later would be in small pages again.
    // Where the system promises no more than it has, addresses are as dear as memory, and none are taken.
    private static unsafe void AskForLargePages()
    {
        const string Promises = "/proc/sys/vm/overcommit_memory";
        if (!File.Exists(Promises) || File.ReadAllText(Promises).Trim() == "2") return;
        var bytes = (nuint)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2);
        var page = (nuint)Environment.SystemPageSize;
        void* room;
        try
        {
            room = NativeMemory.Alloc(bytes);
        }
        catch (OutOfMemoryException)
        {
            return;
        }

        var first = ((nuint)room + page - 1) / page * page;
        LargePages.AskFor((void*)first, ((nuint)room + bytes - first) / page * page);
        NativeMemory.Free(room);
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MallOpt(int parameter, int value);
}
