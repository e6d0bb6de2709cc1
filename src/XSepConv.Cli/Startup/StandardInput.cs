using System.Runtime.InteropServices;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Startup;

/// <summary>
/// Standard input as it is. .NET's own stream makes a terminal its own, where neither Ctrl-D ends the input nor Ctrl-C the program, and
/// fails where a pipe does not wait.
/// </summary>
internal sealed unsafe partial class StandardInput : OneWayStream
{
    private const int Descriptor = 0;

    // From fcntl.h and errno.h.
    private const int GetDescriptorFlags = 1;
    private const int CloseOnExec = 1;
    private const int Interrupted = 4;

    private StandardInput()
        : base(reads: true)
    {
    }

    private static int WouldBlock => OperatingSystem.IsLinux() ? 11 : 35;

    /// <exception cref="UserError">It is closed.</exception>
    public static Stream Open()
    {
        if (OperatingSystem.IsWindows()) return Console.OpenStandardInput();

        // In the place of one that is closed stands a descriptor of the runtime's: what a program is started with survived that.
        return DescriptorFlags(Descriptor, GetDescriptorFlags) is < 0 or CloseOnExec
            ? throw new UserError("Standard input can't be read: it is closed.")
            : new StandardInput();
    }

    /// <exception cref="IOException">It can't be read, such as a folder.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            nint count;
            fixed (byte* start = buffer) count = Read(Descriptor, start, (nuint)buffer.Length);
            if (count >= 0) return (int)count;
            var error = Marshal.GetLastPInvokeError();

            // Another holder of the same pipe may have made it one that does not wait.
            if (error == WouldBlock) Thread.Sleep(1);
            else if (error != Interrupted) throw new IOException(Marshal.GetPInvokeErrorMessage(error));
        }
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int DescriptorFlags(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Read(int descriptor, byte* buffer, nuint count);
}
