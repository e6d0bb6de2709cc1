using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json;
using static System.FormattableString;

namespace XSepConv;

/// <summary>The header of a safetensors file: which tensors there are and where. Trusts nothing that it reads.</summary>
internal sealed class SafeTensorsHeader
{
    /// <summary>Bytes before the header, which hold its length.</summary>
    public const int PrefixLength = 8;

    /// <summary>The longest header that the format allows, in bytes.</summary>
    public const int LongestHeader = 100_000_000;

    public const string MetadataKey = "__metadata__";

    /// <summary>The most tensors that are read: ten times as many as the largest language models keep in one file.</summary>
    public const int MostTensors = 500_000;

    /// <summary>The most entries of the metadata that are read.</summary>
    public const int MostMetadata = 65_536;

    /// <summary>The most dimensions of a tensor; NumPy and PyTorch have no more.</summary>
    public const int MostDimensions = 64;

    // An entry is an object in an object with an array in it; the rest is for members that a later version of the format may add.
    private const int DeepestNesting = 16;

    private readonly string source;

    private SafeTensorsHeader(string source) => this.source = source;

    private long[] begins = [];

    public OrderedDictionary<string, SafeTensorInfo> Tensors { get; private set; } = [];

    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>Bytes of the data section that the tensors tile.</summary>
    public long DataLength { get; private set; }

    /// <summary>The place of a tensor's first byte in the data section.</summary>
    public long BeginOf(string name) => begins[Tensors.IndexOf(name)];

    /// <summary>Reads the eight bytes before the header.</summary>
    /// <returns>Whether they claim a header that is possible.</returns>
    public static bool TryReadLength(ReadOnlySpan<byte> prefix, out int length)
    {
        var claimed = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        length = claimed <= LongestHeader ? (int)claimed : 0;
        return length >= 2;
    }

    /// <summary>Reads the eight bytes before the header.</summary>
    /// <exception cref="InvalidDataException">They claim a header that is impossible.</exception>
    public static int ReadLength(ReadOnlySpan<byte> prefix, string source) => TryReadLength(prefix, out var length)
        ? length
        : throw Invalid(
            source,
            Invariant($"its first eight bytes claim a header of {BinaryPrimitives.ReadUInt64LittleEndian(prefix):N0} bytes, ")
            + Invariant($"possible are 2 to {LongestHeader:N0}"));

    /// <summary>Reads the header itself.</summary>
    /// <exception cref="InvalidDataException">It is malformed, or the tensors do not tile one data section.</exception>
    public static SafeTensorsHeader Parse(ReadOnlySpan<byte> json, string source)
    {
        var header = new SafeTensorsHeader(source);
        if (!StartsHeader(json)) throw header.Invalid("its header does not start with '{'");
        try
        {
            header.ReadObject(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw header.Invalid($"its header is not the JSON that is expected ({e.Message})", e);
        }

        return header;
    }

    /// <summary>Whether a header may begin so.</summary>
    public static bool StartsHeader(ReadOnlySpan<byte> json) => json is [(byte)'{', ..];

    /// <summary>The exception for a file that breaks the format.</summary>
    public static InvalidDataException Invalid(string source, string problem, Exception? cause = null) =>
        new($"{source} is not a valid safetensors file: {problem}.", cause);

    /// <summary>A name from a file, made fit for a message: short, without control characters.</summary>
    public static string Quote(string? name)
    {
        const int Longest = 100;
        if (name is null) return "null";
        var shown = name.Length <= Longest ? name : string.Concat(name.AsSpan(0, Longest), "…");
        return $"'{string.Concat(shown.Select(c => char.IsControl(c) ? '\uFFFD' : c))}'";
    }

    private void ReadObject(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DeepestNesting });
        var hasMetadata = false;
        var entries = new List<Entry>();
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(MetadataKey))
            {
                if (hasMetadata) throw Invalid($"the name {Quote(MetadataKey)} comes twice");
                hasMetadata = true;
                reader.Read();
                ReadMetadata(ref reader);
                continue;
            }

            if (entries.Count == MostTensors)
            {
                throw Invalid(Invariant($"it has more than {MostTensors:N0} tensors, the most that are read"));
            }

            var name = reader.GetString()!;
            reader.Read();
            entries.Add(ReadEntry(ref reader, name));
        }

        // Throws on anything but white space.
        reader.Read();
        Tile(entries);
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Invalid($"{MetadataKey} is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Metadata.Count == MostMetadata)
            {
                throw Invalid(Invariant($"its metadata has more than {MostMetadata:N0} entries, the most that are read"));
            }
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String) throw Invalid($"the metadata's {Quote(key)} is not a string");
            if (!Metadata.TryAdd(key, reader.GetString()!)) throw Invalid($"the metadata's {Quote(key)} comes twice");
        }
    }

    private Entry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Invalid($"the entry of {Quote(name)} is not an object");
        string? dtype = null;
        ImmutableArray<long> shape = default;
        (long Begin, long End)? offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("dtype"u8))
            {
                if (dtype is not null) throw Twice("dtype");
                reader.Read();
                if (reader.TokenType != JsonTokenType.String) throw Invalid($"the dtype of {Quote(name)} is not a string");
                dtype = reader.GetString();
            }
            else if (reader.ValueTextEquals("shape"u8))
            {
                if (!shape.IsDefault) throw Twice("shape");
                reader.Read();
                shape = ReadShape(ref reader, name);
            }
            else if (reader.ValueTextEquals("data_offsets"u8))
            {
                if (offsets is not null) throw Twice("data_offsets");
                reader.Read();
                offsets = ReadOffsets(ref reader, name);
            }
            else
            {
                // A member of a later version of the format.
                reader.Skip();
            }
        }

        if (dtype is null) throw Invalid($"{Quote(name)} has no dtype");
        if (shape.IsDefault) throw Invalid($"{Quote(name)} has no shape");
        if (offsets is not { } data) throw Invalid($"{Quote(name)} has no data_offsets");
        if (SafeTensorTypes.FromWireName(dtype) is not { } type)
        {
            throw Invalid($"the dtype of {Quote(name)} is {Quote(dtype)}, only {SafeTensorTypes.Known} are read here");
        }

        return new(CheckLength(new(name, type, shape), data.Begin, data.End), data.Begin, data.End);

        InvalidDataException Twice(string member) => Invalid($"the entry of {Quote(name)} has '{member}' twice");
    }

    private ImmutableArray<long> ReadShape(ref Utf8JsonReader reader, string name)
    {
        RequireArray(ref reader, name, "shape");
        Span<long> sizes = stackalloc long[MostDimensions];
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (count == MostDimensions) throw Invalid($"{Quote(name)} has more than {MostDimensions} dimensions, the most that are read");
            sizes[count++] = ReadInteger(ref reader, name, "shape");
        }

        return [.. sizes[..count]];
    }

    private (long Begin, long End) ReadOffsets(ref Utf8JsonReader reader, string name)
    {
        RequireArray(ref reader, name, "data_offsets");
        var (begin, end, count) = (0L, 0L, 0);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            (begin, end, count) = (end, ReadInteger(ref reader, name, "data_offsets"), count + 1);
        }

        return count == 2
            ? (begin, end)
            : throw Invalid(Invariant($"the data_offsets of {Quote(name)} are {count:N0} numbers instead of begin and end"));
    }

    private void RequireArray(ref Utf8JsonReader reader, string name, string member)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Invalid($"the {member} of {Quote(name)} is not an array");
    }

    private long ReadInteger(ref Utf8JsonReader reader, string name, string member) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var integer) && integer >= 0
            ? integer
            : throw Invalid(
                Invariant($"the {member} of {Quote(name)} holds something that is not an integer from 0 to {long.MaxValue:N0}"));

    private SafeTensorInfo CheckLength(SafeTensorInfo info, long begin, long end)
    {
        string Named() => $"{Quote(info.Name)} {Listing.Shape(info.Shape)} {info.Type.WireName()}";
        long bytes;
        try
        {
            bytes = info.ByteLength;
        }
        catch (OverflowException e)
        {
            throw Invalid($"{Named()} has more elements than a file can hold", e);
        }

        return end >= begin && end - begin == bytes
            ? info
            : throw Invalid(Invariant($"{Named()} takes {bytes:N0} bytes, but its data goes from {begin:N0} to {end:N0}"));
    }

    private void Tile(List<Entry> entries)
    {
        // Most writers keep the order of the data.
        var ordered = entries.Zip(entries.Skip(1)).All(pair => pair.First.End <= pair.Second.Begin);
        Tensors = new(entries.Count);
        begins = new long[entries.Count];
        foreach (
            var (info, begin, end) in ordered ? entries : entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End).AsEnumerable())
        {
            if (begin != DataLength)
            {
                throw Invalid(
                    Invariant($"the data of {Quote(info.Name)} begins at {begin:N0} instead of {DataLength:N0}; ")
                    + "tensors must follow each other "
                    + "without holes or overlaps");
            }

            begins[Tensors.Count] = begin;
            if (!Tensors.TryAdd(info.Name, info)) throw Invalid($"the name {Quote(info.Name)} comes twice");
            DataLength = end;
        }
    }

    private InvalidDataException Invalid(string problem, Exception? cause = null) => Invalid(source, problem, cause);

    private readonly record struct Entry(SafeTensorInfo Info, long Begin, long End);
}
