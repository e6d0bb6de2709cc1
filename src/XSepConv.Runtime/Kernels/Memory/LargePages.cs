using System.Runtime.InteropServices;

namespace XSepConv.Kernels;

/// <summary>Pages of 2 MB in the place of 4 KB, for which Linux is to be asked unless it is set to give them to everyone.</summary>
internal static unsafe class LargePages
{
    /// <summary>Bytes of one, on x64 and Arm64 with small ones of 4 KB.</summary>
    public const int Size = 2 << 20;

    // Of whichever C library the program has, under whatever name.
    private static readonly delegate* unmanaged<void*, nuint, int, int> s_advise =
        OperatingSystem.IsLinux() && NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "madvise", out var function)
            ? (delegate* unmanaged<void*, nuint, int, int>)function : null;

    /// <summary>Asks for them; the memory is as good without.</summary>
    /// <param name="start">The start of a page.</param>
    /// <param name="bytes">From there.</param>
    public static void AskFor(void* start, nuint bytes)
    {
        const int HugePage = 14; // MADV_HUGEPAGE of sys/mman.h
        if (s_advise != null) _ = s_advise(start, bytes, HugePage);
    }
}
