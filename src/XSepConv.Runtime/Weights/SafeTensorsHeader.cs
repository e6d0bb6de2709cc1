using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json;

namespace XSepConv;

/// <summary>The header of a safetensors file: which tensors there are and where. Trusts nothing that it reads.</summary>
internal sealed class SafeTensorsHeader
{
    /// <summary>Bytes before the header, which hold its length.</summary>
    public const int PrefixLength = 8;

    /// <summary>The longest header that the format allows, in bytes.</summary>
    public const int LongestHeader = 100_000_000;

    public const string MetadataKey = "__metadata__";

    // An entry is an object in an object with an array in it; the rest is for members that a later version of the format may add.
    private const int DeepestNesting = 16;

    private readonly string source;

    private SafeTensorsHeader(string source) => this.source = source;

    /// <summary>The tensors in the order of their data, each with the place of its first byte in the data section.</summary>
    public OrderedDictionary<string, (SafeTensorInfo Info, long Begin)> Tensors { get; } = [];

    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>Bytes of the data section that the tensors tile.</summary>
    public long DataLength { get; private set; }

    /// <summary>Reads the eight bytes before the header.</summary>
    /// <exception cref="InvalidDataException">They claim a header that is impossible.</exception>
    public static int ReadLength(ReadOnlySpan<byte> prefix, string source)
    {
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        return length is >= 2 and <= LongestHeader
            ? (int)length
            : throw Invalid(source, $"its first eight bytes claim a header of {length:N0} bytes, possible are 2 to {LongestHeader:N0}");
    }

    /// <summary>Reads the header itself.</summary>
    /// <exception cref="InvalidDataException">It is malformed, or the tensors do not tile one data section.</exception>
    public static SafeTensorsHeader Parse(ReadOnlySpan<byte> json, string source)
    {
        var header = new SafeTensorsHeader(source);
        if (json[0] != (byte)'{') throw header.Invalid("its header does not start with '{'");
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
        var names = new HashSet<string>();
        var entries = new List<(SafeTensorInfo Info, long Begin, long End)>();
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!names.Add(name)) throw Invalid($"the name {Quote(name)} comes twice");
            reader.Read();
            if (name == MetadataKey) ReadMetadata(ref reader);
            else entries.Add(ReadEntry(ref reader, name));
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
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String) throw Invalid($"the metadata's {Quote(key)} is not a string");
            if (!Metadata.TryAdd(key, reader.GetString()!)) throw Invalid($"the metadata's {Quote(key)} comes twice");
        }
    }

    private (SafeTensorInfo Info, long Begin, long End) ReadEntry(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Invalid($"the entry of {Quote(name)} is not an object");
        var members = new HashSet<string>();
        string? dtype = null;
        ImmutableArray<long> shape = default, offsets = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var member = reader.GetString()!;
            if (!members.Add(member)) throw Invalid($"the entry of {Quote(name)} has {Quote(member)} twice");
            reader.Read();
            switch (member)
            {
                case "dtype":
                    if (reader.TokenType != JsonTokenType.String) throw Invalid($"the dtype of {Quote(name)} is not a string");
                    dtype = reader.GetString();
                    break;
                case "shape":
                    shape = ReadIntegers(ref reader, name, member);
                    break;
                case "data_offsets":
                    offsets = ReadIntegers(ref reader, name, member);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (dtype is null) throw Invalid($"{Quote(name)} has no dtype");
        if (shape.IsDefault) throw Invalid($"{Quote(name)} has no shape");
        if (offsets.IsDefault) throw Invalid($"{Quote(name)} has no data_offsets");
        if (offsets.Length != 2) throw Invalid($"the data_offsets of {Quote(name)} are {offsets.Length} numbers instead of begin and end");
        if (SafeTensorTypes.FromWireName(dtype) is not { } type)
        {
            throw Invalid($"the dtype of {Quote(name)} is {Quote(dtype)}, only {SafeTensorTypes.Known} are read here");
        }

        return (CheckLength(new(name, type, shape), offsets[0], offsets[1]), offsets[0], offsets[1]);
    }

    private ImmutableArray<long> ReadIntegers(ref Utf8JsonReader reader, string name, string member)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Invalid($"the {member} of {Quote(name)} is not an array");
        var integers = ImmutableArray.CreateBuilder<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var integer) || integer < 0)
            {
                throw Invalid($"the {member} of {Quote(name)} holds something that is not an integer from 0 to {long.MaxValue:N0}");
            }

            integers.Add(integer);
        }

        return integers.ToImmutable();
    }

    private SafeTensorInfo CheckLength(SafeTensorInfo info, long begin, long end)
    {
        var shape = $"{Quote(info.Name)} [{string.Join(", ", info.Shape.Take(8))}{(info.Shape.Length > 8 ? ", …" : "")}] {info.Type.WireName()}";
        long bytes;
        try
        {
            bytes = info.ByteLength;
        }
        catch (OverflowException e)
        {
            throw Invalid($"{shape} has more elements than a file can hold", e);
        }

        return end >= begin && end - begin == bytes
            ? info
            : throw Invalid($"{shape} takes {bytes:N0} bytes, but its data goes from {begin:N0} to {end:N0}");
    }

    private void Tile(List<(SafeTensorInfo Info, long Begin, long End)> entries)
    {
        foreach (var (info, begin, end) in entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (begin != DataLength)
            {
                throw Invalid($"the data of {Quote(info.Name)} begins at {begin:N0} instead of {DataLength:N0}; tensors must follow each other without holes or overlaps");
            }

            Tensors.Add(info.Name, (info, begin));
            DataLength = end;
        }
    }

    private InvalidDataException Invalid(string problem, Exception? cause = null) => Invalid(source, problem, cause);
}
