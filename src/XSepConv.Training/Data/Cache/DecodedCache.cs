using System.Security.Cryptography;
using System.Text;

namespace XSepConv.Training;

/// <summary>Keeps decoded images in the user's cache: decoded once, mapped by every run after.</summary>
/// <remarks>
/// The name of a file says which source it was decoded from and in which state that was, so a source that has changed is decoded anew and
/// nobody's mapping is touched. Two processes that decode the same at once both write a whole file of the same bytes; one replaces the
/// other.
/// </remarks>
internal static class DecodedCache
{
    /// <summary>Images of a source, from the cache, or decoded into it.</summary>
    /// <param name="folder">Where image files of the data set go.</param>
    /// <param name="place">What is decoded and how, such as the path of an archive and a size: other places keep other files.</param>
    /// <param name="source">SHA-256, in hexadecimal, of the state it is in.</param>
    /// <param name="what">What is decoded, in words: a path.</param>
    /// <param name="decode">Writes the images, and returns the class names.</param>
    /// <param name="cancel">Ends the decoding; nothing is kept.</param>
    /// <param name="holds">Whether what was noted in the cache still holds; else the images are decoded anew. It does when null.</param>
    /// <exception cref="InvalidDataException">The source is damaged.</exception>
    /// <exception cref="IOException">The cache can't be written, or the source not be read, as the message says.</exception>
    /// <exception cref="UnauthorizedAccessException">The source may not be read.</exception>
    public static MappedImages Open(
        string folder,
        string place,
        string source,
        (int Channels, int Height, int Width) shape,
        string what,
        Func<ImageFileWriter, IReadOnlyList<string>> decode,
        IProgress<DatasetProgress>? progress,
        CancellationToken cancel,
        Func<ImageFileNotes, bool>? holds = null)
    {
        var prefix = Convert.ToHexStringLower(
            SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{ImageFile.Version}\n{place}"))))[..12];
        var path = Path.Combine(folder, $"{prefix}-{source[..16]}.images");
        if (MappedImages.TryOpen(path, source) is { } known && (holds is null || holds(known.Notes))) return known;
        Exception? fromSource = null;
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotKept(e);
        }

        try
        {
            AtomicFile.Write(path, stream =>
            {
                using var writer = new ImageFileWriter(stream, shape, what, progress, cancel);
                writer.Finish(Decoded(writer), source);
            });
        }
        catch (Exception e) when (e != fromSource && (e is UnauthorizedAccessException
            || (e is IOException && e.Message.Contains(folder, StringComparison.Ordinal))))
        {
            throw NotKept(e);
        }

        // Opened before others go: another process that finds the same source changed would take this one for what is out of date.
        var images = MappedImages.TryOpen(path, source)
            ?? throw new IOException($"{path} was written but can't be read back as it was written.");
        RemoveOthers(folder, prefix, path);
        return images;

        IOException NotKept(Exception e) => new(
            $"Decoded images can't be kept in {folder}: "
            + $"{e.Message} Name a cache folder that can be written and has room (XDG_CACHE_HOME).", e);

        // The source is read while the cache is written; what it says of itself is not said of the cache.
        IReadOnlyList<string> Decoded(ImageFileWriter writer)
        {
            try
            {
                return decode(writer);
            }
            catch (Exception e) when (!writer.HasFailed)
            {
                fromSource = e;
                throw;
            }
        }
    }

    /// <summary>
    /// SHA-256 over what tells files apart: name, size, time of last change and a sample of the bytes, of links those of what they lead to.
    /// </summary>
    public static string Fingerprint(IEnumerable<(string Name, FileInfo File)> files) => Fingerprint(files.Select(file =>
    {
        var real = file.File.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file.File;
        return FormattableString.Invariant($"{file.Name}\n{real.Length}\n{real.LastWriteTimeUtc.Ticks}\n{FileSample.Of(real.FullName)}");
    }));

    public static string Fingerprint(IEnumerable<string> lines)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var line in lines) hash.AppendData(Encoding.UTF8.GetBytes(line + "\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>What was decoded from the same place before it changed.</summary>
    private static void RemoveOthers(string folder, string prefix, string path)
    {
        try
        {
            foreach (var old in Directory.EnumerateFiles(folder, $"{prefix}-*.images"))
            {
                if (old != path) File.Delete(old);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // In use on a system that does not let go of names in use: it goes another time.
        }
    }
}
