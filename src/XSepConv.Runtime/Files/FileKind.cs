using System.Runtime.InteropServices;

namespace XSepConv;

/// <summary>What a path leads to.</summary>
internal enum FileKind
{
    /// <summary>The system does not say: Windows, or a C library without the call.</summary>
    Unknown,

    /// <summary>Nothing: no such name, or a link to one, or it may not be looked at.</summary>
    Missing,
    Regular,
    Directory,
    Fifo,
    CharacterDevice,
    BlockDevice,
    Socket,
}

/// <summary>Looks at a path without opening it: to open a FIFO is to wait for its other end, and a device may have no end.</summary>
internal static unsafe partial class FileKinds
{
    private const string LibC = "libc";

    // statx: of Linux's calls the one whose structure is the same on every processor.
    private const int LinuxCurrentDirectory = -100;
    private const uint LinuxTypeMask = 1;
    private const int LinuxModeAt = 28;
    private const int MacModeAt = 4;

    // No system's structure is larger.
    private const int StatusLength = 256;

    /// <summary>Links are followed.</summary>
    public static FileKind Of(string path)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) return FileKind.Unknown;
        var status = stackalloc byte[StatusLength];
        try
        {
            var (failed, modeAt) = OperatingSystem.IsLinux()
                ? (StatX(LinuxCurrentDirectory, path, 0, LinuxTypeMask, status), LinuxModeAt)
                : (RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? Stat(path, status) : Stat64(path, status), MacModeAt);
            return failed != 0 ? FileKind.Missing : OfMode(*(ushort*)(status + modeAt));
        }
        catch (EntryPointNotFoundException)
        {
            return FileKind.Unknown;
        }
    }

    /// <summary>With its article.</summary>
    public static string Describe(this FileKind kind) => kind switch
    {
        FileKind.Directory => "a directory",
        FileKind.Fifo => "a FIFO (a named pipe)",
        FileKind.CharacterDevice or FileKind.BlockDevice => "a device",
        FileKind.Socket => "a socket",
        FileKind.Regular => "a file",
        _ => "nothing",
    };

    // The upper four bits of a mode are the same on all Unix systems.
    private static FileKind OfMode(int mode) => (mode & 0xF000) switch
    {
        0x1000 => FileKind.Fifo,
        0x2000 => FileKind.CharacterDevice,
        0x4000 => FileKind.Directory,
        0x6000 => FileKind.BlockDevice,
        0x8000 => FileKind.Regular,
        0xC000 => FileKind.Socket,
        _ => FileKind.Unknown,
    };

    [LibraryImport(LibC, EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int StatX(int directory, string path, int flags, uint mask, byte* status);

    [LibraryImport(LibC, EntryPoint = "stat", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Stat(string path, byte* status);

    [LibraryImport(LibC, EntryPoint = "stat$INODE64", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Stat64(string path, byte* status);
}
