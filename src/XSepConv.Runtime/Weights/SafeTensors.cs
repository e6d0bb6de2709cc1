using System.Collections.ObjectModel;
using Microsoft.Win32.SafeHandles;
using static System.FormattableString;

namespace XSepConv;

/// <summary>A safetensors file: named tensors and string metadata, without any code in it.</summary>
/// <remarks>
/// Format: https://huggingface.co/docs/safetensors. Reading trusts nothing: a hostile file gets an <see cref="InvalidDataException"/> that
/// names the file and the problem, before anything is allocated by a length that it claims. All members are safe from many threads at once.
/// Files with element types other than <see cref="SafeTensorType"/>'s are refused.
/// </remarks>
public sealed class SafeTensors : IDisposable
{
    private readonly SafeTensorsHeader header;
    private readonly string source;
    private readonly long dataStart;
    private readonly SafeFileHandle? file;
    private readonly Dictionary<string, byte[]>? loaded;
    private bool disposed;

    private SafeTensors(SafeTensorsHeader header, string source, SafeFileHandle? file, long dataStart, Dictionary<string, byte[]>? loaded)
    {
        this.header = header;
        this.source = source;
        this.file = file;
        this.dataStart = dataStart;
        this.loaded = loaded;
        Metadata = new ReadOnlyDictionary<string, string>(header.Metadata);
        Tensors = new ReadOnlyDictionary<string, SafeTensorInfo>(header.Tensors);
    }

    /// <summary>The file's metadata; empty if it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors by name, enumerated in the order of their data in the file.</summary>
    public IReadOnlyDictionary<string, SafeTensorInfo> Tensors { get; }

    /// <summary>Opens a file and reads its header; tensors are read when they are asked for, straight from the file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not valid safetensors, or is a directory, FIFO, device or socket.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static SafeTensors Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path)) throw SafeTensorsHeader.Invalid(path, "it is a directory");

        // Positional reads, not a memory map: a map of a file that someone shortens meanwhile kills the process at the next access.
        var file = RegularFile.OpenHandle(path);
        try
        {
            return Open(file, path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads a whole file from a stream, which need not be seekable, from its position to its end.</summary>
    /// <remarks>Memory grows with the bytes that really arrive, never by a length that is only claimed. The stream stays open.</remarks>
    /// <exception cref="InvalidDataException">The stream does not hold one valid safetensors file, or a tensor of 2 GiB or
    /// more.</exception>
    /// <exception cref="IOException">The stream can't be read.</exception>
    public static SafeTensors Read(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return Read(stream, stream is FileStream { Name: { Length: > 0 } name } ? name : "The stream");
    }

    /// <param name="source">What errors call it.</param>
    internal static SafeTensors Read(Stream stream, string source)
    {
        var header = ReadHeader(stream, source);
        foreach (var info in header.Tensors.Values)
        {
            if (info.ByteLength > Array.MaxLength)
            {
                throw SafeTensorsHeader.Invalid(
                    source,
                    SafeTensorsHeader.Quote(info.Name)
                    + Invariant($" takes {info.ByteLength:N0} bytes, at most {Array.MaxLength:N0} are read"));
            }
        }

        var loaded = new Dictionary<string, byte[]>();
        foreach (var info in header.Tensors.Values) loaded.Add(info.Name, ReadBytes(stream, (int)info.ByteLength, source));
        return stream.ReadByte() < 0
            ? new(header, source, null, 0, loaded)
            : throw SafeTensorsHeader.Invalid(source, "there is more after the last tensor");
    }

    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Contains(string name) => Tensors.ContainsKey(name);

    /// <summary>Reads a tensor's elements as they are in the file: row-major, little-endian.</summary>
    /// <exception cref="KeyNotFoundException">There is no tensor of that name.</exception>
    /// <exception cref="NotSupportedException">The tensor has 2 GiB or more.</exception>
    /// <exception cref="InvalidDataException">The file has been shortened since it was opened.</exception>
    public byte[] ReadBytes(string name)
    {
        var info = Find(name);
        if (info.ByteLength > Array.MaxLength)
        {
            throw new NotSupportedException(
                Invariant($"{SafeTensorsHeader.Quote(name)} of {source} takes {info.ByteLength:N0} bytes, an array holds at most ")
                + Invariant($"{Array.MaxLength:N0}."));
        }

        var bytes = GC.AllocateUninitializedArray<byte>((int)info.ByteLength);
        CopyTo(name, bytes);
        return bytes;
    }

    /// <summary>Copies a tensor's elements as they are in the file: row-major, little-endian.</summary>
    /// <param name="name">Which tensor.</param>
    /// <param name="destination">As long as the tensor, in bytes.</param>
    /// <exception cref="KeyNotFoundException">There is no tensor of that name.</exception>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is shorter or longer than the tensor.</exception>
    /// <exception cref="InvalidDataException">The file has been shortened since it was opened.</exception>
    public void CopyTo(string name, Span<byte> destination)
    {
        var info = Find(name);
        if (destination.Length != info.ByteLength)
        {
            throw new ArgumentException(
                Invariant($"The destination has {destination.Length:N0} bytes, {SafeTensorsHeader.Quote(name)} has {info.ByteLength:N0}."),
                nameof(destination));
        }

        if (loaded is not null)
        {
            loaded[name].CopyTo(destination);
            return;
        }

        ReadAt(file!, destination, dataStart + header.BeginOf(name), source);
    }

    /// <summary>Writes a file as a whole: whoever looks, or whatever is killed, finds the old file or the new one.</summary>
    /// <param name="path">Where; an existing file is replaced.</param>
    /// <param name="tensors">In any order. The file has larger element types first, so that all data is aligned, and keeps the order
    /// otherwise.</param>
    /// <param name="metadata">Strings by name.</param>
    /// <exception cref="ArgumentException">Names collide or are not valid text, a shape and its data disagree, or the header would be too
    /// long.</exception>
    /// <exception cref="IOException">The file can't be written; an existing one is as it was.</exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder is write-protected.</exception>
    public static void Write(string path, IEnumerable<SafeTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var content = new SafeTensorsWriter(tensors, metadata);
        AtomicFile.Write(path, content.WriteTo);
    }

    /// <summary>Writes a file to a stream, which stays open.</summary>
    /// <inheritdoc cref="Write(string, IEnumerable{SafeTensor}, IReadOnlyDictionary{string, string}?)"/>
    public static void Write(Stream stream, IEnumerable<SafeTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        new SafeTensorsWriter(tensors, metadata).WriteTo(stream);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        disposed = true;
        file?.Dispose();
    }

    /// <summary>An entry of the metadata as what it describes; null where the file has none.</summary>
    /// <exception cref="InvalidDataException"><paramref name="read"/> throws a <see cref="FormatException"/> over it.</exception>
    internal T? Described<T>(string key, Func<string, T> read)
        where T : class
    {
        try
        {
            return Metadata.TryGetValue(key, out var text) ? read(text) : null;
        }
        catch (FormatException e)
        {
            throw new InvalidDataException($"{source}: {e.Message}", e);
        }
    }

    private static SafeTensors Open(SafeFileHandle file, string path)
    {
        long length;
        try
        {
            length = RandomAccess.GetLength(file);
        }
        catch (NotSupportedException e)
        {
            throw SafeTensorsHeader.Invalid(path, "it is not a regular file", e);
        }

        var start = new byte[Math.Min(length, ForeignFile.Length)];
        ReadAt(file, start, 0, path);
        if (length < SafeTensorsHeader.PrefixLength)
        {
            throw SafeTensorsHeader.Invalid(path, $"it has {length} bytes, the shortest one has {SafeTensorsHeader.PrefixLength + 2}");
        }

        var headerLength = ReadLength(start, path);
        var dataStart = SafeTensorsHeader.PrefixLength + (long)headerLength;
        if (dataStart > length)
        {
            throw SafeTensorsHeader.Invalid(path, Invariant($"its header claims {headerLength:N0} bytes, the whole file has {length:N0}"));
        }

        var json = GC.AllocateUninitializedArray<byte>(headerLength);
        ReadAt(file, json, SafeTensorsHeader.PrefixLength, path);
        var header = SafeTensorsHeader.Parse(json, path);
        return header.DataLength == length - dataStart
            ? new(header, path, file, dataStart, null)
            : throw SafeTensorsHeader.Invalid(
                path, Invariant($"its tensors take {header.DataLength:N0} bytes, after the header there are {length - dataStart:N0}"));
    }

    private static SafeTensorsHeader ReadHeader(Stream stream, string source)
    {
        var start = new byte[ForeignFile.Length];
        var known = SafeTensorsHeader.PrefixLength;
        ReadBytes(stream, known, source).CopyTo(start, 0);

        // What it is instead shows in what follows, however little that is.
        if (!SafeTensorsHeader.TryReadLength(start, out _))
        {
            known += stream.ReadAtLeast(start.AsSpan(known), start.Length - known, throwOnEndOfStream: false);
        }
        return SafeTensorsHeader.Parse(ReadBytes(stream, ReadLength(start.AsSpan(0, known), source), source), source);
    }

    // A file of another program, whose first eight bytes are no length or are followed by no header, is called what it is.
    private static int ReadLength(ReadOnlySpan<byte> start, string source)
    {
        var header = start[SafeTensorsHeader.PrefixLength..];
        var fits = SafeTensorsHeader.TryReadLength(start, out _) && (header.IsEmpty || SafeTensorsHeader.StartsHeader(header));
        if (!fits && ForeignFile.Recognise(start) is { } what) throw SafeTensorsHeader.Invalid(source, what);
        return SafeTensorsHeader.ReadLength(start, source);
    }

    private static void ReadAt(SafeFileHandle file, Span<byte> destination, long offset, string source)
    {
        while (!destination.IsEmpty)
        {
            var read = RandomAccess.Read(file, destination, offset);
            if (read == 0) throw SafeTensorsHeader.Invalid(source, "it ends before its last tensor, and was longer when it was opened");
            destination = destination[read..];
            offset += read;
        }
    }

    private static byte[] ReadBytes(Stream stream, int length, string source)
    {
        const int FirstPiece = 1 << 16;
        var bytes = new byte[Math.Min(length, FirstPiece)];
        var filled = 0;
        while (filled < length)
        {
            if (filled == bytes.Length) Array.Resize(ref bytes, (int)Math.Min(length, 2L * filled));
            var read = stream.Read(bytes, filled, bytes.Length - filled);
            if (read == 0) throw SafeTensorsHeader.Invalid(source, "it ends too early");
            filled += read;
        }

        return bytes;
    }

    private SafeTensorInfo Find(string name)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        ArgumentNullException.ThrowIfNull(name);
        return header.Tensors.TryGetValue(name, out var entry)
            ? entry
            : throw new KeyNotFoundException(
                Invariant($"{source} has no tensor {SafeTensorsHeader.Quote(name)}; it has {header.Tensors.Count:N0} others."));
    }
}
