using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace XSepConv.Imaging;

/// <summary>
/// A PNG file that was read from end to end: its chunks, sizes and checksums are right, and its compressed data hold what the header claims
/// and no more.
/// </summary>
/// <remarks>
/// The decoder itself believes a chunk's length, unpacks without a bound and compares no checksum. It gets a file of the chunks that make
/// the pixels, and an end. Gamma and colour profiles are not looked at, as Pillow's <c>convert("RGB")</c> doesn't; of an animation the
/// picture is taken that other programs show.
/// </remarks>
internal sealed class PngFile
{
    private const int ChunkFrame = 12;
    private const int PaletteColor = 3;
    private const int AlphaColor = 4;
    private const int LargestPalette = 3 * 256;

    private readonly byte[] _file;
    private readonly string _what;
    private readonly ArrayBufferWriter<byte> _data = new();
    private ReadOnlyMemory<byte> _header, _palette, _transparency;
    private long _expected;
    private int _color;

    private PngFile(byte[] file, string what) => (_file, _what) = (file, what);

    public static ReadOnlySpan<byte> Magic => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public (int Width, int Height) Size { get; private set; }

    /// <summary>Of EXIF: 1 to 8.</summary>
    public int Orientation { get; private set; } = ExifOrientation.Upright;

    public bool HasAlpha => (_color & AlphaColor) != 0 || !_transparency.IsEmpty;

    public byte[] Content { get; private set; } = [];

    /// <exception cref="InvalidDataException">It is damaged, too large, or of a kind that is not read.</exception>
    public static PngFile Read(byte[] file, string what)
    {
        var png = new PngFile(file, what);
        png.ReadChunks();
        png.CheckData();
        png.WriteContent();
        return png;
    }

    /// <summary>The size in the header, of which nothing that follows is looked at.</summary>
    /// <exception cref="InvalidDataException">The header is damaged, or the size too large.</exception>
    public static (int Width, int Height) ReadSize(byte[] file, string what)
    {
        var png = new PngFile(file, what);
        png.ReadChunks(headerOnly: true);
        return png._header.IsEmpty ? throw png.EndsEarly() : png.Size;
    }

    private void ReadChunks(bool headerOnly = false)
    {
        var at = Magic.Length;
        while (at < _file.Length && !(headerOnly && !_header.IsEmpty))
        {
            var left = _file.Length - at - ChunkFrame;
            if (left < 0 && !_header.IsEmpty) break;
            if (left < 0) throw EndsEarly();
            var length = BinaryPrimitives.ReadUInt32BigEndian(_file.AsSpan(at));
            if (length > left) throw Damaged($"has a chunk that claims {length} bytes, {left} are left");
            var type = _file.AsSpan(at + 4, 4);
            if (type.SequenceEqual("IEND"u8)) return;
            Take(type, _file.AsMemory(at + 8, (int)length), HasRightChecksum(at, (int)length));
            at += ChunkFrame + (int)length;
        }

        // Without a last chunk (IEND) the data say themselves whether they are whole.
    }

    private void Take(ReadOnlySpan<byte> type, ReadOnlyMemory<byte> content, bool isRight)
    {
        const byte ancillary = 0x20;
        if (type.SequenceEqual("eXIf"u8) && isRight) Orientation = ExifOrientation.Read(content.Span);
        var isTransparency = type.SequenceEqual("tRNS"u8);
        if ((type[0] & ancillary) != 0 && !isTransparency) return;
        var name = System.Text.Encoding.ASCII.GetString(type);
        if (_header.IsEmpty)
        {
            if (name == "CgBI") throw Damaged("was rewritten for an iPhone (CgBI): such files are not read");
            if (name != "IHDR" || content.Length != 13) throw Damaged("does not begin with its header (IHDR)");
        }

        if (!isRight) throw Damaged($"has a chunk '{name}' whose checksum is not that of its content");
        switch (name)
        {
            case "IHDR" when _header.IsEmpty:
                ReadHeader(_header = content);
                break;
            case "PLTE":
                if (content.Length % 3 != 0 || content.Length > LargestPalette)
                {
                    throw Damaged($"has a palette of {content.Length} bytes; 3 for each of at most 256 colours are right");
                }

                _palette = content;
                break;
            case "tRNS":
                // With alpha of its own, or behind the data, it means nothing.
                if ((_color & AlphaColor) == 0 && _data.WrittenCount == 0) _transparency = content;
                break;
            case "IDAT":
                _data.Write(content.Span);
                break;
            default:
                throw Damaged($"has a chunk '{name}' that must be understood and is not known, or is there twice");
        }
    }

    private void ReadHeader(ReadOnlyMemory<byte> content)
    {
        var header = content.Span;
        var (width, height) = Size = ImageDecoder.CheckSize(
            BinaryPrimitives.ReadUInt32BigEndian(header), BinaryPrimitives.ReadUInt32BigEndian(header[4..]), _what);
        (var depth, _color, var interlace) = (header[8], header[9], header[12]);
        var samples = (_color, depth) switch
        {
            (0, 1 or 2 or 4 or 8 or 16) or (PaletteColor, 1 or 2 or 4 or 8) => 1,
            (2, 8 or 16) => 3,
            (AlphaColor, 8 or 16) => 2,
            (6, 8 or 16) => 4,
            _ => throw Damaged($"has colour type {_color} with {depth} bits, which no PNG file has"),
        };
        if (header[10] != 0 || header[11] != 0 || interlace > 1) throw Damaged("has an unknown compression, filter or interlacing");
        var bits = samples * depth;
        if (interlace == 0)
        {
            _expected = height * RowBytes(width);
            return;
        }

        // Adam7: seven passes over columns x0, x0 + dx, … of rows y0, y0 + dy, …; a pass without pixels has no bytes.
        ReadOnlySpan<int> passes = [0, 0, 8, 8, 4, 0, 8, 8, 0, 4, 4, 8, 2, 0, 4, 4, 0, 2, 2, 4, 1, 0, 2, 2, 0, 1, 1, 2];
        for (var pass = 0; pass < passes.Length; pass += 4)
        {
            var columns = (width - passes[pass] + passes[pass + 2] - 1) / passes[pass + 2];
            var rows = (height - passes[pass + 1] + passes[pass + 3] - 1) / passes[pass + 3];
            if (columns > 0 && rows > 0) _expected += rows * RowBytes(columns);
        }

        // A filter byte, then the pixels.
        long RowBytes(int columns) => 1 + ((((long)columns * bits) + 7) / 8);
    }

    private void CheckData()
    {
        if (_header.IsEmpty) throw EndsEarly();
        if (_color == PaletteColor && _palette.IsEmpty) throw Damaged("has no palette (PLTE), which its colours are numbers of");
        using var unzipped = new ZLibStream(new MemoryStream(_data.WrittenSpan.ToArray()), CompressionMode.Decompress);
        var buffer = new byte[1 << 14];
        long total = 0;
        Damage.AsInvalidData(_what, "PNG's compressed data", () =>
        {
            int got;
            while ((got = unzipped.Read(buffer)) > 0)
            {
                total += got;
                if (total > _expected) throw Damaged($"unpacks to more than the {_expected} bytes its size needs");
            }
        });
        if (total < _expected) throw Damaged($"unpacks to {total} bytes, its size needs {_expected}");
    }

    private void WriteContent()
    {
        var all = new ArrayBufferWriter<byte>(
            Magic.Length + (5 * ChunkFrame) + _header.Length + LargestPalette + _transparency.Length + _data.WrittenCount);
        all.Write(Magic);
        Write("IHDR"u8, _header.Span);
        if (_color == PaletteColor)
        {
            // A number beyond the palette is black, as browsers have it, and not whatever memory holds there.
            var palette = new byte[LargestPalette];
            _palette.Span.CopyTo(palette);
            Write("PLTE"u8, palette);
            _transparency = _transparency[..Math.Min(_transparency.Length, _palette.Length / 3)];
        }

        if (!_transparency.IsEmpty) Write("tRNS"u8, _transparency.Span);
        Write("IDAT"u8, _data.WrittenSpan);
        Write("IEND"u8, []);
        Content = all.WrittenSpan.ToArray();

        // Checksums are compared already, and nobody does it again.
        void Write(ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
        {
            Span<byte> number = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
            all.Write(number);
            all.Write(type);
            all.Write(content);
            number.Clear();
            all.Write(number);
        }
    }

    private bool HasRightChecksum(int at, int length) =>
        Crc32.HashToUInt32(_file.AsSpan(at + 4, 4 + length)) == BinaryPrimitives.ReadUInt32BigEndian(_file.AsSpan(at + 8 + length));

    private InvalidDataException EndsEarly() => Damaged("ends before its header (IHDR)");

    private InvalidDataException Damaged(string how) => new($"{_what}: the PNG file {how}.");
}
