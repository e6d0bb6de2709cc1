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
    /// threads allocate; tunes nothing on musl, Windows and macOS. Then libtorch is loaded.
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
        return (MallOpt(MmapMax, 0) & MallOpt(TrimThreshold, int.MaxValue) & MallOpt(TopPad, 64 << 20)) == 1;
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MallOpt(int parameter, int value);
}
