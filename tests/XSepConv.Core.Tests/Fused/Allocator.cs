using System.Runtime.InteropServices;

namespace XSepConv.Core.Tests.Fused;

/// <summary>The C library's own account of the memory that it has handed out, which libtorch's tensors lie in.</summary>
internal static partial class Allocator
{
    /// <summary>glibc tells.</summary>
    public static bool CanTell { get; } =
        OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var library) && NativeLibrary.TryGetExport(library, "mallinfo2", out _);

    /// <summary>Bytes in use, on the heaps and in mappings of their own.</summary>
    public static long Used()
    {
        var info = Info();
        return (long)(info.InUse + info.Mapped);
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallinfo2")]
    private static partial MallocInfo Info();

    // struct mallinfo2: ten size_t.
    private readonly struct MallocInfo
    {
#pragma warning disable CS0649, CS0169, IDE0051, CA1823
        private readonly nuint _arena, _free, _fastFree, _maps;
        public readonly nuint Mapped;
        private readonly nuint _most, _fastBytes;
        public readonly nuint InUse;
        private readonly nuint _freeBytes, _top;
#pragma warning restore CS0649, CS0169, IDE0051, CA1823
    }
}
