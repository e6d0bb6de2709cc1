using System.Runtime.InteropServices;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>
/// Floats between two pages that may not be touched, right behind the first or right before the second: whoever reads or writes beside them
/// ends the process.
/// </summary>
internal sealed unsafe partial class GuardedFloats : IDisposable
{
    private const int None = 0, ReadWrite = 3, PrivateAnonymous = 0x22;
    private static readonly nuint s_page = (nuint)Environment.SystemPageSize;

    private readonly byte* _start;
    private readonly nuint _bytes;

    public GuardedFloats(ReadOnlySpan<float> values, bool atEnd)
    {
        var bytes = (nuint)values.Length * sizeof(float);
        var pages = (bytes + s_page - 1) / s_page * s_page;
        _bytes = pages + (2 * s_page);
        _start = (byte*)Map(0, _bytes, None, PrivateAnonymous, -1, 0);
        if ((nint)_start == -1 || Protect(_start + s_page, pages, ReadWrite) != 0)
        {
            throw new InvalidOperationException("No memory with guards around it.");
        }

        Pointer = (float*)(_start + s_page + (atEnd ? pages - bytes : 0));
        values.CopyTo(new Span<float>(Pointer, values.Length));
    }

    public float* Pointer { get; }

    public void Dispose() => _ = Unmap(_start, _bytes);

    [LibraryImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Protect(byte* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static partial int Unmap(byte* address, nuint length);
}
