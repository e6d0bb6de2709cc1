namespace XSepConv;

/// <summary>Writes files as a whole: a kill at any moment leaves the old file or the new one, never half of one.</summary>
internal static class AtomicFile
{
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromHours(1);

    /// <summary>
    /// Lets <paramref name="content"/> write to a temporary file in the same folder, flushes it to the disk and renames it.
    /// </summary>
    /// <remarks>A FIFO, a character device, and a path of an open descriptor (<c>/dev/stdout</c>) are never replaced: they are written
    /// to.</remarks>
    /// <param name="path">The file; an existing one is replaced and keeps its permissions, a symbolic link keeps pointing at it.</param>
    /// <param name="content">Writes the content. If it throws, the old file stays and the temporary one goes.</param>
    /// <exception cref="UnauthorizedAccessException">The file or its folder is write-protected.</exception>
    /// <exception cref="IOException">The folder does not exist, the path is a directory, a socket or a disk, nobody reads from the FIFO, or
    /// the disk is full.</exception>
    public static void Write(string path, Action<Stream> content)
    {
        if (StreamingFile.TryOpen(path) is { } open)
        {
            using (open) content(open);
            return;
        }

        var file = new FileInfo(path);
        var target = file.LinkTarget is null ? file.FullName : file.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        if (FileKinds.Of(target) is var kind and not (FileKind.Unknown or FileKind.Missing or FileKind.Regular))
        {
            throw new IOException($"{path} is {kind.Describe()}, not a file that can be written.");
        }

        if (Directory.Exists(target)) throw new IOException($"{path} is a directory, not a file that can be written.");
        var folder = Path.GetDirectoryName(target)!;
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"{path} can't be written: there is no directory {folder}.");
        var replaces = File.Exists(target);
        if (replaces && File.GetAttributes(target).HasFlag(FileAttributes.ReadOnly))
        {
            throw new UnauthorizedAccessException($"{path} is write-protected.");
        }

        // A name of its own: the target's may already be as long as a file system allows.
        var temporary = Path.Combine(folder, $".xsepconv-{Path.GetRandomFileName()}.tmp");
        DeleteLeftovers(folder);
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
            {
                if (replaces && !OperatingSystem.IsWindows()) File.SetUnixFileMode(stream.SafeFileHandle, File.GetUnixFileMode(target));
                content(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, target, overwrite: true);
        }
        catch (ArgumentOutOfRangeException e) when (IsTooLong(e))
        {
            File.Delete(temporary);
            throw TooLong(path, e);
        }
        catch (IOException e) when (e.Message.Contains(temporary, StringComparison.Ordinal))
        {
            File.Delete(temporary);
            throw new IOException(e.Message.Replace(temporary, path, StringComparison.Ordinal), e) { HResult = e.HResult };
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Whether an error of a write is .NET's word for EFBIG, which is no <see cref="IOException"/>.</summary>
    public static bool IsTooLong(Exception e) => e is ArgumentOutOfRangeException { ParamName: "value" };

    /// <summary>The same as an error of files, with the system's number.</summary>
    public static IOException TooLong(string path, Exception e) =>
        new($"{path} would be longer than the file system or a limit of this process allows.", e)
        {
            HResult = OperatingSystem.IsWindows() ? unchecked((int)0x800700DF) : 27,
        };

    // What killed processes left: old, and opened by nobody.
    private static void DeleteLeftovers(string folder)
    {
        try
        {
            foreach (var leftover in Directory.EnumerateFiles(folder, ".xsepconv-*.tmp"))
            {
                if (DateTime.UtcNow - File.GetLastWriteTimeUtc(leftover) < LeftoverAge) continue;
                using (File.OpenHandle(leftover, FileMode.Open, FileAccess.Write, FileShare.None))
                {
                    // Opens only if no writer holds it.
                }

                File.Delete(leftover);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Tidying is no reason not to write; a missing folder is reported by the write itself.
        }
    }

    /// <summary>Writes a text file in UTF-8, without a byte order mark.</summary>
    /// <inheritdoc cref="Write"/>
    public static void WriteAllText(string path, string text) =>
        Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
