using System.Runtime.InteropServices;

namespace XSepConv.Cli.Startup;

/// <summary>
/// Lets libtorch's OpenMP threads sleep soon. Without it they wait for their next piece of work by spinning for milliseconds, also where
/// another process could
/// use the core; that process then keeps the thread that all others wait for from running, and training beside one busy process takes three
/// times as long.
/// </summary>
internal static partial class OpenMpWaiting
{
    // libgomp's: rounds of a loop, some microseconds, before a thread sleeps. It spins 300,000 by itself, and none where waiting is
    // "passive".
    private const string SpinCount = "GOMP_SPINCOUNT";
    private const string Rounds = "1000";

    private static readonly string[] ChosenByTheUser = [SpinCount, "OMP_WAIT_POLICY"];

    /// <summary>
    /// To be called before libtorch is loaded, which reads it then. What the user has set stays. Does nothing where OpenMP is another's
    /// than GCC's.
    /// </summary>
    /// <returns>Whether it was set.</returns>
    public static bool SleepSoon()
    {
        if (!OperatingSystem.IsLinux() || ChosenByTheUser.Any(name => Environment.GetEnvironmentVariable(name) is { Length: > 0 }))
        {
            return false;
        }

        // .NET's own SetEnvironmentVariable changes a copy that native code does not see.
        return NativeLibrary.TryLoad("libc.so.6", out var libc) && NativeLibrary.TryGetExport(libc, "setenv", out _)
            && SetEnv(SpinCount, Rounds, overwrite: 1) == 0;
    }

    [LibraryImport("libc.so.6", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnv(string name, string value, int overwrite);
}
