using Microsoft.Win32.SafeHandles;

namespace XSepConv;

/// <summary>
/// Opens files that are files. All that is read here is opened here: each kind of thing that is none gets its name said instead of a wait
/// without end.
/// </summary>
internal static class RegularFile
{
    private const int BufferSize = 1 << 16;

    /// <summary>Looks at what is there before it is opened.</summary>
    /// <exception cref="InvalidDataException">It is a directory, FIFO, device or socket.</exception>
    /// <exception cref="FileNotFoundException">It is a link to nothing. What is missing itself is left to the opening.</exception>
    /// <exception cref="IOException">It is a link that leads back to itself.</exception>
    public static void Require(string path)
    {
        switch (FileKinds.Of(path))
        {
            case FileKind.Unknown or FileKind.Regular:
                return;
            case FileKind.Missing:
                if (LinkTarget(path) is { } target)
                {
                    throw new FileNotFoundException($"{path} is a link to '{target}', which leads to no file.", path);
                }
                return;
            case var kind:
                throw new InvalidDataException($"{path} is {kind.Describe()}; only regular files are read.");
        }
    }

    /// <summary>Opens a file for reading from end to end.</summary>
    /// <inheritdoc cref="Require" path="/exception"/>
    public static FileStream OpenRead(string path, int bufferSize = BufferSize)
    {
        Require(path);
        return new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize, FileOptions.SequentialScan);
    }

    /// <summary>Opens a file for reading anywhere in it.</summary>
    /// <inheritdoc cref="Require" path="/exception"/>
    public static SafeFileHandle OpenHandle(string path)
    {
        Require(path);
        return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.RandomAccess);
    }

    /// <summary>Opens a file for writing that stays where it is: a lock, a log that grows.</summary>
    /// <exception cref="InvalidDataException">It is a directory, FIFO, device or socket.</exception>
    public static FileStream OpenWrite(
        string path, FileMode mode, FileAccess access, FileShare share, FileOptions options = FileOptions.None)
    {
        if (FileKinds.Of(path) != FileKind.Missing) Require(path);
        return new(path, mode, access, share, bufferSize: 1, options);
    }

    /// <summary>Whether a file could not be opened because another process, or this one, has it for itself.</summary>
    public static bool IsHeld(IOException failure)
    {
        // What flock sets on Linux, on macOS and BSD; what Windows says of a file that is shared with nobody, or locked.
        const int WouldBlock = 11, WouldBlockBsd = 35, SharingViolation = 32, LockViolation = 33;
        var code = failure.HResult & 0xFFFF;
        return OperatingSystem.IsWindows()
            ? code is SharingViolation or LockViolation
            : failure.HResult == (OperatingSystem.IsLinux() ? WouldBlock : WouldBlockBsd);
    }

    /// <inheritdoc cref="File.ReadAllBytes"/>
    public static byte[] ReadAllBytes(string path)
    {
        Require(path);
        return File.ReadAllBytes(path);
    }

    /// <inheritdoc cref="File.ReadLines(string)"/>
    public static IEnumerable<string> ReadLines(string path)
    {
        Require(path);
        return File.ReadLines(path);
    }

    /// <summary>Bytes of a file; of a link, those of the file that it leads to.</summary>
    public static long Length(string path)
    {
        using var file = OpenHandle(path);
        return RandomAccess.GetLength(file);
    }

    /// <summary>Where a link leads, as it says itself; null for what is no link.</summary>
    public static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
