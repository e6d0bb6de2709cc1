using System.Runtime.InteropServices;

namespace XSepConv;

/// <summary>
/// Writes to an open descriptor where that stands. A <see cref="FileStream"/> keeps a position of its own: what others write to the same
/// file after it, such as the next program of a shell's redirection, would be laid over what it has written.
/// </summary>
internal sealed unsafe partial class DescriptorStream(int descriptor) : OneWayStream(reads: false)
{
    // From errno.h.
    private const int Interrupted = 4;

    private static int WouldBlock => OperatingSystem.IsLinux() ? 11 : 35;

    /// <exception cref="IOException">Nobody reads any more, the disk is full, or the descriptor is closed.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            nint written;
            fixed (byte* start = buffer) written = Write(descriptor, start, (nuint)buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            var error = Marshal.GetLastPInvokeError();

            // Another holder of the same pipe may have made it one that does not wait.
            if (error == WouldBlock) Thread.Sleep(1);
            else if (error != Interrupted) throw new IOException(Marshal.GetPInvokeErrorMessage(error));
        }
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Write(int descriptor, byte* buffer, nuint count);
}
