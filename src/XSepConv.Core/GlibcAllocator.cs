using System.Runtime.InteropServices;

namespace XSepConv;

/// <summary>
/// Tunes glibc's malloc for tensors: by default it gives every large block back to the system when it is freed, and each new one costs
/// page faults, a sixth of a training step and more.
/// </summary>
public static partial class GlibcAllocator
{
    // From glibc's malloc.h.
    private const int TrimThreshold = -1;
    private const int TopPad = -2;
    private const int MmapMax = -4;

    /// <summary>
    /// Has the whole process keep freed memory for its next tensors: it stays as large as it has been. To be called first, before other
    /// threads allocate; does nothing on musl, Windows and macOS.
    /// </summary>
    /// <returns>Whether the allocator was tuned.</returns>
    public static bool KeepFreedMemory()
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
        return (MallOpt(MmapMax, 0) & MallOpt(TrimThreshold, int.MaxValue) & MallOpt(TopPad, 64 << 20)) == 1;
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MallOpt(int parameter, int value);
}
