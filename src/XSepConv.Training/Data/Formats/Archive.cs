using System.Formats.Tar;
using System.IO.Compression;

namespace XSepConv.Training;

/// <summary>A file in an archive, or in the folder that an archive was unpacked to.</summary>
/// <param name="Name">Its path with forward slashes; never absolute, never upwards.</param>
/// <param name="Bytes">Its size as claimed, within bounds.</param>
/// <param name="Open">
/// Gives its bytes, as many as claimed or an <see cref="InvalidDataException"/>. Must be read before the next entry.
/// </param>
internal sealed record ArchiveEntry(string Name, long Bytes, Func<BoundedStream> Open)
{
    public string FileName => Name[(Name.LastIndexOf('/') + 1)..];
}

/// <summary>
/// Reads archives from end to end, without unpacking them to disk: a hostile name can't write anywhere. Links, absolute and upward names
/// are refused all the same, as a sign that the file is not what it is thought to be.
/// </summary>
internal static class Archive
{
    private const long MostBytes = 4L << 30;
    private const int MostEntries = 1_000_000;

    /// <summary>The files of a gzipped tar archive, in its order.</summary>
    public static IEnumerable<ArchiveEntry> TarGz(Stream file, string what)
    {
        RequireGzip(file, what);
        using var unzipped = new GZipStream(file, CompressionMode.Decompress, leaveOpen: true);
        using var counted = new CheckedTarStream(unzipped, MostBytes, what);
        using var tar = new TarReader(counted, leaveOpen: true);
        for (var entries = 0; Damage.AsInvalidData(what, "tar archive", () => tar.GetNextEntry()) is { } entry; entries++)
        {
            if (entries == MostEntries) throw new InvalidDataException($"{what}: has more than {MostEntries} entries.");
            var name = CheckName(entry.Name, what);
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)) continue;
            yield return new(name, entry.Length, () => new(entry.DataStream ?? Stream.Null, entry.Length, $"{what}: {name}"));
        }
    }

    /// <summary>Opens a zip archive; its entries can be read in any order while it is open.</summary>
    public static ZipArchive OpenZip(Stream file, string what) =>
        Damage.AsInvalidData(what, "zip archive", () => new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true));

    /// <summary>The files of a zip archive, in its order.</summary>
    public static IEnumerable<ArchiveEntry> Entries(ZipArchive zip, string what)
    {
        var entries = Damage.AsInvalidData(what, "zip archive", () => zip.Entries);
        if (entries.Count > MostEntries)
        {
            throw new InvalidDataException($"{what}: has {entries.Count} entries; at most {MostEntries} are read.");
        }

        long total = 0;
        foreach (var entry in entries)
        {
            var name = CheckName(entry.FullName, what);
            if ((total += entry.Length) > MostBytes)
            {
                throw new InvalidDataException($"{what}: with '{name}' it has {total} bytes unpacked; at most {MostBytes} are read.");
            }

            // The upper half of a Unix zip's attributes is the file's mode; 0xA000 is a symbolic link.
            if (((entry.ExternalAttributes >> 16) & 0xF000) == 0xA000)
            {
                throw new InvalidDataException($"{what}: '{name}' in the zip archive is a link; only files and folders are read.");
            }

            if (name.EndsWith('/') || name.Length == 0) continue;
            yield return new(
                name, entry.Length, () => new(
                    Damage.AsInvalidData(what, "zip archive", entry.Open), entry.Length, $"{what}: {name}", owns: true));
        }
    }

    /// <summary>The files of a folder, at any depth, in the order of their names.</summary>
    public static IEnumerable<ArchiveEntry> Folder(string path)
    {
        foreach (var file in new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories)
            .OrderBy(file => file.FullName, StringComparer.Ordinal))
        {
            var name = Path.GetRelativePath(path, file.FullName).Replace(Path.DirectorySeparatorChar, '/');
            yield return new(name, file.Length, () => new(RegularFile.OpenRead(file.FullName), file.Length, file.FullName, owns: true));
        }
    }

    /// <summary>All bytes of a file. Memory grows with what is there, not with what is claimed.</summary>
    /// <param name="most">How large it may be.</param>
    public static byte[] ReadBytes(this ArchiveEntry entry, long most, string what)
    {
        if (entry.Bytes > most)
        {
            throw new InvalidDataException($"{what}: '{entry.Name}' claims {entry.Bytes} bytes; at most {most} are read.");
        }

        using var stream = entry.Open();
        var bytes = new byte[Math.Min(entry.Bytes, 1 << 20)];
        for (var done = 0; ;)
        {
            Damage.AsInvalidData(what, $"file '{entry.Name}' in it", () => stream.Fill(bytes.AsSpan(done)));
            if (bytes.Length == entry.Bytes) return bytes;
            done = bytes.Length;
            Array.Resize(ref bytes, (int)Math.Min(entry.Bytes, bytes.Length * 2L));
        }
    }

    /// <summary>Looks at the start of a file, which is left there.</summary>
    internal static void RequireGzip(Stream file, string what)
    {
        var start = new byte[2];
        var got = file.ReadAtLeast(start, 2, throwOnEndOfStream: false);
        if (got < 2 || start is not [0x1F, 0x8B])
        {
            throw new InvalidDataException(
                $"{what}: starts with '{Convert.ToHexString(start.AsSpan(0, got))}', a gzip file starts with '1F8B'.");
        }

        file.Position = 0;
    }

    private static string CheckName(string name, string what)
    {
        var slashed = name.Replace('\\', '/');
        return slashed.StartsWith('/') || slashed.Contains(':', StringComparison.Ordinal) || slashed.Split('/').Contains("..")
            ? throw new InvalidDataException($"{what}: the archive holds the name '{name}', which leads out of it.")
            : slashed.StartsWith("./", StringComparison.Ordinal) ? slashed[2..] : slashed;
    }
}
