using System.Text;

namespace XSepConv.Onnx;

/// <summary>How a protobuf field is laid out.</summary>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// <summary>
/// Walks through a protobuf message in a file, without a schema and without holding it: what is not asked for is skipped, and no length is
/// believed before it is compared with what is left.
/// </summary>
internal sealed class WireReader
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[1 << 14];
    private long _bufferStart;
    private int _bufferLength;
    private int _fields;

    /// <summary>A reader of the whole of a stream that can seek.</summary>
    public WireReader(Stream stream)
    {
        _stream = stream;
        End = stream.Length;
    }

    /// <summary>Where the next byte is.</summary>
    public long Position { get; private set; }

    /// <summary>Where the message that is being read ends.</summary>
    public long End { get; private set; }

    /// <summary>Reads fields until the message ends; <paramref name="field"/> takes the value or leaves it to be skipped.</summary>
    /// <exception cref="InvalidDataException">The message is damaged.</exception>
    /// <exception cref="NotSupportedException">There is more of something than is read.</exception>
    public void ReadFields(Action<int, WireType> field)
    {
        while (Position < End)
        {
            if (++_fields > ReadLimits.MostFields)
            {
                throw new NotSupportedException(FormattableString.Invariant($"it has more than {ReadLimits.MostFields:N0} fields"));
            }

            var tag = ReadVarint();
            var (number, type) = (tag >> 3, (WireType)(tag & 7));
            if (number is < 1 or > (1 << 29) - 1 || !Enum.IsDefined(type))
            {
                throw new InvalidDataException($"byte {Position} starts no field");
            }

            var start = Position;
            field((int)number, type);
            if (Position == start) Skip(type);
        }
    }

    public void ReadMessage(Action<int, WireType> field)
    {
        var length = ReadLength();
        var outer = End;
        End = Position + length;
        ReadFields(field);
        End = outer;
    }

    public ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = ReadByte();
            if (shift == 63 && next > 1) break;
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }

        throw new InvalidDataException($"the number that ends at byte {Position} is longer than 64 bits");
    }

    /// <summary>The length of bytes that follow, which are in the file.</summary>
    public long ReadLength()
    {
        var length = ReadVarint();
        if (length > (ulong)(End - Position))
        {
            throw new InvalidDataException(FormattableString.Invariant(
                $"{length:N0} bytes are announced at byte {Position}, {End - Position:N0} are left"));
        }

        return (long)length;
    }

    public string ReadText()
    {
        var length = ReadLength();
        if (length > ReadLimits.MostTextBytes)
        {
            throw new NotSupportedException(FormattableString.Invariant(
                $"a text of {length:N0} bytes is longer than the {ReadLimits.MostTextBytes:N0} that are read"));
        }

        var bytes = new byte[length];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = ReadByte();
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"the text that ends at byte {Position} is not UTF-8", e);
        }
    }

    /// <summary>Passes over bytes and says how many they were.</summary>
    public long SkipBytes()
    {
        var length = ReadLength();
        Position += length;
        return length;
    }

    private void Skip(WireType type)
    {
        if (type == WireType.Varint) ReadVarint();
        else if (type == WireType.Bytes) SkipBytes();
        else Advance(type == WireType.Fixed64 ? 8 : 4);
    }

    private void Advance(long bytes)
    {
        if (bytes > End - Position) throw new InvalidDataException($"it ends within a field at byte {Position}");
        Position += bytes;
    }

    private byte ReadByte()
    {
        if (Position >= End) throw new InvalidDataException($"it ends within a field at byte {Position}");
        if (Position < _bufferStart || Position >= _bufferStart + _bufferLength)
        {
            _stream.Position = _bufferStart = Position;
            _bufferLength = _stream.ReadAtLeast(_buffer, 1, throwOnEndOfStream: false);
            if (_bufferLength == 0) throw new InvalidDataException($"it became shorter while it was read, at byte {Position}");
        }

        return _buffer[Position++ - _bufferStart];
    }
}
