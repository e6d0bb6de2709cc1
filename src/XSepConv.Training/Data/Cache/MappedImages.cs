using System.Collections.Concurrent;
using System.IO.MemoryMappedFiles;
using System.Text.Json;

namespace XSepConv.Training;

/// <summary>
/// Images in a mapped file: the system reads what is looked at, and all processes that look at the same file share its memory.
/// </summary>
/// <remarks>
/// A mapping stays until the process ends, and every opening of the same content gets the same one: a span over it can't outlive it.
/// A file that is made shorter under a mapping kills the process that reads there, so such files are written whole, replaced whole, and
/// never changed.
/// </remarks>
internal sealed unsafe class MappedImages : ImageStore
{
    private static readonly ConcurrentDictionary<string, MappedImages> Open = new(StringComparer.Ordinal);

    private readonly ImageFile _file;
    private readonly byte* _start;

    // Held, so that it is never unmapped.
    private readonly MemoryMappedViewAccessor _view;

    private MappedImages(ImageFile file, MemoryMappedViewAccessor view, byte* start, IReadOnlyList<string> names, ImageFileNotes notes)
    {
        _start = start;
        (_file, _view, ClassNames, Notes) = (file, view, names, notes);
        var labels = new int[file.Count];
        new ReadOnlySpan<int>(start + file.LabelsAt, labels.Length).CopyTo(labels);
        Labels = labels;
    }

    public ImageFile File => _file;

    public int[] Labels { get; }

    /// <summary>In the order of the labels.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    public ImageFileNotes Notes { get; }

    public override string Digest => _file.Content;

    public override ReadOnlySpan<byte> Image(int index) =>
        (uint)index < (ulong)_file.Count
            ? new(_start + ImageFile.HeaderBytes + ((long)index * _file.ImageBytes), _file.ImageBytes)
            : throw new ArgumentOutOfRangeException(nameof(index));

    /// <summary>Maps a file and checks all of it.</summary>
    /// <param name="source">What it must have been decoded from.</param>
    /// <returns>Null when there is none, it is damaged, or it was decoded from something else.</returns>
    public static MappedImages? TryOpen(string path, string source)
    {
        if (!BitConverter.IsLittleEndian) throw new PlatformNotSupportedException("Image files are read in place, and are little-endian.");
        try
        {
            using var stream = RegularFile.OpenRead(path, bufferSize: 1);
            var header = new byte[ImageFile.HeaderBytes];
            if (stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length) return null;
            if (ImageFile.FromHeader(header, stream.Length) is not { } file || file.Source != source) return null;
            return Open.TryGetValue(Key(path, file), out var known) ? known : Map(path, stream, file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    private static MappedImages? Map(string path, FileStream stream, ImageFile file)
    {
        using var mapping = MemoryMappedFile.CreateFromFile(
            stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        var view = mapping.CreateViewAccessor(0, file.FileBytes, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        start += view.PointerOffset;
        MappedImages? images = null;
        if (ImageFile.Digest(start + ImageFile.HeaderBytes, file.FileBytes - ImageFile.HeaderBytes) == file.Content
            && ImageFileNotes.FromBytes(new(start + file.NotesAt, file.NotesBytes)) is var (names, notes))
        {
            var mapped = new MappedImages(file, view, start, names, notes);
            if (!Array.Exists(mapped.Labels, label => (uint)label >= (uint)names.Count)) images = Open.GetOrAdd(Key(path, file), mapped);
        }

        if (images?._view != view)
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
        }

        return images;
    }

    private static string Key(string path, ImageFile file) => $"{Path.GetFullPath(path)}\n{file.Content}";
}
