using System.Runtime.InteropServices;

namespace XSepConv.Benchmarks;

/// <summary>
/// Tells glibc's malloc to keep freed memory. It returns large blocks to the kernel at every free otherwise, and the page faults of
/// the next allocation cost more than the convolutions measured here.
/// </summary>
internal static partial class Allocator
{
    private const int TrimThreshold = -1, TopPad = -2, MmapMax = -4;

    /// <summary>Whether the C library is glibc.</summary>
    public static bool IsGlibc { get; } = OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var libc) && NativeLibrary.TryGetExport(libc, "gnu_get_libc_version", out _);

    /// <summary>Does it for this process; nothing on other C libraries.</summary>
    public static void KeepFreedMemory()
    {
        if (!IsGlibc)
            return;
        if (MallOpt(MmapMax, 0) == 0 || MallOpt(TrimThreshold, int.MaxValue) == 0 || MallOpt(TopPad, 64 << 20) == 0)
            throw new InvalidOperationException("mallopt refused a setting; the figures would measure page faults.");
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MallOpt(int parameter, int value);
}
