using System.Globalization;
using System.Text;

namespace XSepConv.Training;

/// <summary>
/// A tar archive on its way to <see cref="System.Formats.Tar.TarReader"/>: every 512-byte header is looked at before it is passed on,
/// because the reader allocates what a header claims. Refused are links and devices, extended headers of more than 64 KiB, and archives of
/// more than a limit.
/// </summary>
internal sealed class CheckedTarStream(Stream inner, long mostBytes, string what) : OneWayStream(reads: true)
{
    private const int Block = 512;
    private const int LargestExtension = 1 << 16;

    private readonly byte[] _header = new byte[Block];
    private int _headerUsed = Block;
    private long _dataLeft;
    private long _total;
    private bool _ended;

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty) return 0;
        if (_headerUsed < Block)
        {
            var part = Math.Min(buffer.Length, Block - _headerUsed);
            _header.AsSpan(_headerUsed, part).CopyTo(buffer);
            _headerUsed += part;
            return part;
        }

        if (_dataLeft > 0)
        {
            var got = inner.Read(buffer[..(int)Math.Min(buffer.Length, _dataLeft)]);
            if (got == 0) throw new InvalidDataException($"{what}: the tar archive ends inside a file, {_dataLeft} bytes early.");
            _dataLeft -= got;
            return got;
        }

        if (_ended) return 0;
        var read = inner.ReadAtLeast(_header, Block, throwOnEndOfStream: false);
        if (read == 0)
        {
            _ended = true;
            return 0;
        }

        if (read < Block) throw new InvalidDataException($"{what}: the tar archive ends inside a header.");
        Check();
        _headerUsed = 0;
        return Read(buffer);
    }

    private void Check()
    {
        _ended = !_header.AsSpan().ContainsAnyExcept((byte)0);
        if (_ended) return;
        var size = Size(_header.AsSpan(124, 12));
        var type = (char)_header[156];
        if (type is not ('0' or '\0' or '5' or 'L' or 'K' or 'x' or 'g'))
        {
            var kind =
                type switch { '1' or '2' => "a link", '3' or '4' => "a device", '6' => "a pipe", _ => "neither a file nor a folder" };
            throw new InvalidDataException(
                $"{what}: '{Name()}' in the tar archive is {kind} (type '{(char.IsAsciiLetterOrDigit(type) ? type : '?')}'); "
                + "only files and folders are read.");
        }

        if (type is 'L' or 'K' or 'x' or 'g' && size > LargestExtension)
        {
            throw new InvalidDataException(
                $"{what}: an extended header in the tar archive claims {size} bytes; at most {LargestExtension} are read.");
        }

        _dataLeft = (size + Block - 1) / Block * Block;
        _total += Block + _dataLeft;
        if (_total > mostBytes)
        {
            throw new InvalidDataException(
                $"{what}: with '{Name()}' the tar archive has {_total} bytes unpacked; at most {mostBytes} are read.");
        }
    }

    private string Name() => Encoding.UTF8.GetString(_header.AsSpan(0, 100)).TrimEnd('\0');

    private long Size(ReadOnlySpan<byte> field)
    {
        long size = -1;
        if ((field[0] & 0x80) != 0)
        {
            // GNU's base 256 for files of more than 8 GiB, of which there are none here.
            size = field[0] == 0x80 && field[1..5].IndexOfAnyExcept((byte)0) < 0
                ? System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(field[4..])
                : -1;
        }
        else
        {
            var text = Encoding.ASCII.GetString(field).Trim(' ', '\0');
            size = 0;
            foreach (var digit in text) size = digit is >= '0' and <= '7' && size >= 0 ? (size * 8) + digit - '0' : -1;
        }

        return size >= 0
            ? size
            : throw new InvalidDataException(
                string.Create(CultureInfo.InvariantCulture, $"{what}: '{Name()}' in the tar archive has no valid size."));
    }
}
