using System.Text;
using Microsoft.Win32.SafeHandles;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Startup;

/// <summary>
/// Standard output and error that may be closed, full or gone. Output that can't be written ends the work with a word; what goes to a
/// terminal that is gone,
/// or to standard error, is dropped: no error may keep a run from being saved, or another from being its exit code.
/// </summary>
internal static class StandardStreams
{
    private const int StandardOutput = 1;

    public static void Guard()
    {
        Console.SetError(new GuardedWriter(Console.Error, dropsFailures: true));
        Console.SetOut(
            new GuardedWriter(Console.IsOutputRedirected ? Redirected() : Console.Out, dropsFailures: !Console.IsOutputRedirected));
    }

    // .NET's own stream says nothing when the other end of a pipe is gone.
    private static TextWriter Redirected()
    {
        if (OperatingSystem.IsWindows()) return Console.Out;
        try
        {
            // It looks at what is open there.
            using var known = new FileStream(new SafeFileHandle(StandardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            return new StreamWriter(new DescriptorStream(StandardOutput), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false))
            {
                AutoFlush = true,
            };
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException or UnauthorizedAccessException)
        {
            return new ClosedWriter();
        }
    }

    private sealed class GuardedWriter(TextWriter inner, bool dropsFailures) : TextWriter
    {
        public override Encoding Encoding => inner.Encoding;

        public override void Write(char value) => Guard(() => inner.Write(value));

        public override void Write(string? value) => Guard(() => inner.Write(value));

        public override void Write(char[] buffer, int index, int count) => Guard(() => inner.Write(buffer, index, count));

        public override void WriteLine(string? value) => Guard(() => inner.WriteLine(value));

        public override void Flush() => Guard(inner.Flush);

        private void Guard(Action write)
        {
            try
            {
                write();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
            {
                if (!dropsFailures) throw new UserError($"Standard output can't be written: {e.Message}", ExitCode.Failed);
            }
        }
    }

    private sealed class ClosedWriter : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => throw new IOException("it is closed.");
    }
}
