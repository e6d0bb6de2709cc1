using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using static System.FormattableString;

namespace XSepConv;

/// <summary>The content of a safetensors file that is to be written, checked when built.</summary>
internal sealed class SafeTensorsWriter
{
    private const int Alignment = 8;
    private readonly SafeTensor[] tensors;
    private readonly ReadOnlyMemory<byte> header;

    public SafeTensorsWriter(IEnumerable<SafeTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        SafeTensor[] given = [.. tensors];
        Check(given, metadata);
        this.tensors = [.. given.OrderByDescending(tensor => tensor.Type.Size())];
        header = Header(metadata);
    }

    public void WriteTo(Stream stream)
    {
        stream.Write(header.Span);
        foreach (var tensor in tensors) stream.Write(tensor.Data.Span);
    }

    private static void Check(SafeTensor[] tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        if (tensors.Length > SafeTensorsHeader.MostTensors)
        {
            throw Wrong(Invariant($"there are {tensors.Length:N0} tensors, at most {SafeTensorsHeader.MostTensors:N0} are read"));
        }

        var names = new HashSet<string>();
        foreach (var tensor in tensors)
        {
            if (tensor?.Name is null) throw Wrong("a tensor or its name is null");
            var name = SafeTensorsHeader.Quote(tensor.Name);
            if (tensor.Name == SafeTensorsHeader.MetadataKey) throw Wrong($"no tensor may have the name {name}");
            if (!names.Add(tensor.Name)) throw Wrong($"two tensors have the name {name}");
            if (!IsText(tensor.Name)) throw Wrong($"the name {name} has half a surrogate pair in it, which no file can hold");
            if (!Enum.IsDefined(tensor.Type)) throw Wrong($"the type of {name} is {tensor.Type}, known are {SafeTensorTypes.Known}");
            if (tensor.Shape.IsDefault) throw Wrong($"the shape of {name} is missing; a scalar has []");
            if (tensor.Shape.Length > SafeTensorsHeader.MostDimensions)
            {
                throw Wrong(
                    $"{name} has {tensor.Shape.Length} dimensions, at most {SafeTensorsHeader.MostDimensions} are read");
            }

            if (!HasLength(tensor))
            {
                throw Wrong(
                    $"{name} [{string.Join(", ", tensor.Shape)}] {tensor.Type.WireName()} "
                    + Invariant($"has {tensor.Data.Length:N0} bytes of data, ")
                    + "which is not its size");
            }
        }

        if (metadata?.Count > SafeTensorsHeader.MostMetadata)
        {
            throw new ArgumentException(
                Invariant($"The metadata has {metadata.Count:N0} entries, at most {SafeTensorsHeader.MostMetadata:N0} are read."),
                nameof(metadata));
        }

        foreach (var (key, value) in metadata ?? new Dictionary<string, string>())
        {
            if (value is null || !IsText(key) || !IsText(value))
            {
                throw new ArgumentException(
                    $"The metadata's {SafeTensorsHeader.Quote(key)} is null or has half a surrogate pair in it.", nameof(metadata));
            }
        }
    }

    private static ArgumentException Wrong(string problem) => new($"The tensors can't be written: {problem}.");

    private static bool HasLength(SafeTensor tensor)
    {
        Int128 bytes = tensor.Type.Size();
        foreach (var size in tensor.Shape)
        {
            // Both factors are far below 2⁶⁴, so the product fits.
            if (size < 0 || bytes > long.MaxValue) return false;
            bytes *= size;
        }

        return bytes == tensor.Data.Length;
    }

    private static bool IsText(string text)
    {
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            if (System.Text.Rune.DecodeFromUtf16(rest, out _, out var used) != OperationStatus.Done) return false;
            rest = rest[used..];
        }

        return true;
    }

    private ReadOnlyMemory<byte> Header(IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(new byte[SafeTensorsHeader.PrefixLength]);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            WriteJson(json, metadata);
        }

        while (buffer.WrittenCount % Alignment != 0) buffer.Write(" "u8);
        var length = buffer.WrittenCount - SafeTensorsHeader.PrefixLength;
        if (length > SafeTensorsHeader.LongestHeader)
        {
            throw Wrong(
                Invariant($"names and metadata make a header of {length:N0} bytes, at most ")
                + Invariant($"{SafeTensorsHeader.LongestHeader:N0} are allowed"));
        }

        var header = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, length);
        return header;
    }

    private void WriteJson(Utf8JsonWriter json, IReadOnlyDictionary<string, string>? metadata)
    {
        json.WriteStartObject();
        if (metadata is { Count: > 0 })
        {
            json.WriteStartObject(SafeTensorsHeader.MetadataKey);
            foreach (var (key, value) in metadata) json.WriteString(key, value);
            json.WriteEndObject();
        }

        var begin = 0L;
        foreach (var tensor in tensors)
        {
            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", tensor.Type.WireName());
            json.WriteStartArray("shape");
            foreach (var size in tensor.Shape) json.WriteNumberValue(size);
            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(begin);
            json.WriteNumberValue(begin += tensor.Data.Length);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
