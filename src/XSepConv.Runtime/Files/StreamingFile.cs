using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XSepConv;

/// <summary>
/// What is written to as it is, because a file renamed into its place would not reach whoever reads there: FIFOs, character devices, open
/// descriptors.
/// </summary>
internal static partial class StreamingFile
{
    private const int BufferSize = 1 << 16;
    private const int MostLinks = 40;
    private const int StandardOutput = 1;

    // From fcntl.h and errno.h.
    private const int WriteOnly = 1;
    private const int NoReader = 6;

    private static int NonBlocking => OperatingSystem.IsLinux() ? 0x800 : 0x4;

    /// <summary>Whether what is written there comes out of this process's standard output.</summary>
    public static bool IsStandardOutput(string path) => Descriptor(path) == StandardOutput;

    /// <summary>Whether the path names a file, or nothing yet, so that a file can be there and be looked at later.</summary>
    public static bool IsStreaming(string path) =>
        Descriptor(path) is not null || FileKinds.Of(path) is FileKind.Fifo or FileKind.CharacterDevice;

    /// <summary>Opens what is written to as it is; null for everything else.</summary>
    /// <exception cref="IOException">It can't be opened, or nobody reads from the FIFO.</exception>
    /// <exception cref="UnauthorizedAccessException">It is write-protected.</exception>
    public static Stream? TryOpen(string path)
    {
        if (Descriptor(path) is { } descriptor) return OfDescriptor(path, descriptor);
        return FileKinds.Of(path) switch
        {
            FileKind.CharacterDevice => Open(path),
            FileKind.Fifo => OpenFifo(path),
            _ => null,
        };
    }

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, BufferSize);

    private static FileStream OpenFifo(string path)
    {
        // Opening waits for a reader, so ask first; what is open here meanwhile is not seen by the reader as an end.
        using var probe = Open(path, WriteOnly | NonBlocking);
        return probe.IsInvalid && Marshal.GetLastPInvokeError() == NoReader
            ? throw new IOException($"{path} is a FIFO (a named pipe) that nobody reads from; start its reader first.")
            : Open(path);
    }

    private static BufferedStream OfDescriptor(string path, int descriptor)
    {
        try
        {
            // It looks at what is open there.
            using var open = new FileStream(new SafeFileHandle(descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            return new(new DescriptorStream(descriptor), BufferSize);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new IOException($"{path} is not open for writing.", e);
        }
    }

    /// <summary>The number in <c>/dev/fd/1</c>, <c>/proc/self/fd/1</c>, <c>/dev/stdout</c> or a link to one of them.</summary>
    private static int? Descriptor(string path)
    {
        if (OperatingSystem.IsWindows() || path.Length == 0) return null;
        var at = Path.GetFullPath(path);
        for (var links = 0; links < MostLinks; links++)
        {
            foreach (var folder in (ReadOnlySpan<string>)["/dev/fd/", "/proc/self/fd/", $"/proc/{Environment.ProcessId}/fd/"])
            {
                if (at.StartsWith(folder, StringComparison.Ordinal)
                    && int.TryParse(at.AsSpan(folder.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                {
                    return number;
                }
            }

            if (RegularFile.LinkTarget(at) is not { } target) return null;
            at = Path.GetFullPath(target, Path.GetDirectoryName(at)!);
        }

        return null;
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial SafeFileHandle Open(string path, int flags);
}
