using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace XSepConv.Cli.Profiling;

/// <summary>What malloc has handed out: tensors and what the kernels keep, not .NET's own objects.</summary>
internal static partial class AllocatedMemory
{
    private static readonly bool s_isKnown = OperatingSystem.IsLinux()
        && NativeLibrary.TryLoad("libc.so.6", out var libc)
        && NativeLibrary.TryGetExport(libc, "mallinfo2", out _);

    /// <summary>Bytes in all arenas and in blocks of their own; null where there is no glibc 2.33 or later to ask.</summary>
    public static long? Bytes()
    {
        if (!s_isKnown) return null;
        var info = MallInfo2();
        return (long)(info.InUse + info.Mapped);
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallinfo2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial AllocatorState MallInfo2();

    // glibc's malloc.h, struct mallinfo2: ten sizes.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct AllocatorState
    {
        private readonly Sizes _sizes;

        public nuint InUse => _sizes[7];

        public nuint Mapped => _sizes[4];

        [InlineArray(10)]
        private struct Sizes
        {
            private nuint _first;
        }
    }
}
