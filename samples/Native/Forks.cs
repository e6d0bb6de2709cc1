using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace XSepConv.Native;

/// <summary>
/// Tells a process that was forked from the one in which the library began: of .NET's threads only the caller's came along, and whoever
/// waited for another would wait for ever.
/// </summary>
internal static partial class Forks
{
    private static int s_process;

    /// <summary>Before whatever is called first, as .NET begins in that process.</summary>
#pragma warning disable CA2255 // It is a library for C only, which has no other beginning.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Remember() => s_process = Current();

    /// <exception cref="CallException">This is such a process.</exception>
    public static void Refuse()
    {
        if (Current() == s_process) return;
        throw new CallException(
            Status.Forked,
            $"The library was used in process {s_process} before that was forked; it can't go on in a child. Fork first and then load, or "
            + "let the child call exec (in Python's multiprocessing: the start method 'spawn').");
    }

    // .NET keeps what it once asked.
    private static int Current() => OperatingSystem.IsWindows() ? 0 : GetProcessId();

    [LibraryImport("libc", EntryPoint = "getpid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [SuppressGCTransition]
    private static partial int GetProcessId();
}
