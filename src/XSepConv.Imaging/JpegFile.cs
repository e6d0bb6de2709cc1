using System.Buffers;
using System.Buffers.Binary;

namespace XSepConv.Imaging;

/// <summary>
/// A JPEG file that was read marker by marker: sizes, markers and scans are right, and nothing is missing that is not at its very end.
/// </summary>
/// <remarks>
/// The decoder itself allocates for any size that is claimed, fills what is missing with grey or with what the memory held, stops at junk
/// that libjpeg passes over, and takes four components for YCbCr unless Adobe's marker says otherwise. It gets a file of what makes the
/// pixels: tables, frame, scans, Adobe's marker where the colours are no YCbCr, and an end. Colour profiles are not looked at, as Pillow's
/// <c>convert("RGB")</c> doesn't.
/// </remarks>
internal sealed class JpegFile
{
    private const int MarkerBytes = 2;

    // What may be asked for at the end is in fewer bytes: a block of 8×8 pixels.
    private const int FillerBytes = 64;

    private readonly byte[] _file;
    private readonly string _what;
    private readonly ArrayBufferWriter<byte> _content = new();
    private JpegFrame? _frame;
    private int? _restartInterval, _transform;
    private bool _isJfif, _hasScan, _endsInScan;
    private int? _orientation;

    private JpegFile(byte[] file, string what) => (_file, _what) = (file, what);

    public static ReadOnlySpan<byte> Magic => [0xFF, 0xD8, 0xFF];

    public (int Width, int Height) Size => _frame!.Size;

    /// <summary>Of EXIF: 1 to 8.</summary>
    public int Orientation => _orientation ?? ExifOrientation.Upright;

    /// <summary>Whether the last scan is known to have an end; without, whatever follows must not change the picture.</summary>
    public bool HasEnd => !_endsInScan;

    /// <exception cref="InvalidDataException">It is damaged, too large, or of a kind that is not read.</exception>
    public static JpegFile Read(byte[] file, string what)
    {
        var jpeg = new JpegFile(file, what);
        jpeg.ReadMarkers();
        return jpeg;
    }

    /// <summary>The size in the frame header, of which nothing that follows is looked at.</summary>
    /// <exception cref="InvalidDataException">What comes before is damaged, the size too large, or the kind not read.</exception>
    public static (int Width, int Height) ReadSize(byte[] file, string what)
    {
        var jpeg = new JpegFile(file, what);
        jpeg.ReadMarkers(frameOnly: true);
        return jpeg.Size;
    }

    public static InvalidDataException CutOff(string what) => new($"{what}: the JPEG file is cut off: it ends before its image does.");

    /// <summary>What the decoder gets.</summary>
    /// <param name="filler">Follows the last scan where <see cref="HasEnd"/> is not set.</param>
    public byte[] Content(byte filler)
    {
        byte[] adobe = AdobeTransform() is { } transform ? [0xFF, 0xEE, 0, 14, .. "Adobe"u8, 0, 100, 0, 0, 0, 0, transform] : [];
        return [0xFF, 0xD8, .. adobe, .. _content.WrittenSpan, .. Enumerable.Repeat(filler, HasEnd ? 0 : FillerBytes), 0xFF, 0xD9];
    }

    /// <summary>
    /// How libjpeg tells the colours, and Pillow that ink is stored inverted: 0 is RGB or CMYK, 2 is YCCK, and null is YCbCr or grey.
    /// </summary>
    private byte? AdobeTransform() => _frame!.Components switch
    {
        4 => _transform is null or 0 ? (byte)0 : (byte)2,
        3 when !_isJfif && (_transform is { } known ? known == 0 : _frame.HasColorIds) => 0,
        _ => null,
    };

    private void ReadMarkers(bool frameOnly = false)
    {
        var at = MarkerBytes;
        while (NextMarker(ref at) is { } marker)
        {
            if (marker == 0xD9)
            {
                if (_frame is null) break;
                if (!_frame.IsComplete)
                {
                    throw new InvalidDataException($"{_what}: the JPEG file ends before all of its scans: {_frame.Lacking}.");
                }

                return;
            }

            // Alone, without a segment: they mean nothing here.
            if (marker is 0x01 or (>= 0xD0 and <= 0xD7)) continue;
            if (_file.Length - at < 2) break;
            int length = BinaryPrimitives.ReadUInt16BigEndian(_file.AsSpan(at));
            if (_file.Length - at < length && _frame is { IsComplete: true }) break;
            if (length < 2 || length > _file.Length - at)
            {
                throw new InvalidDataException($"{_what}: a segment of the JPEG file claims {length} bytes, {_file.Length - at} are left.");
            }

            var segment = _file.AsSpan(at + 2, length - 2).ToArray();
            at += length;
            var isScan = Take(marker, segment);
            if (frameOnly && _frame is not null) return;
            if (!isScan) continue;
            ReadScan(segment, ref at);
            if (_frame is { IsProgressive: false, IsComplete: true }) return;
        }

        if (_frame is null) throw new InvalidDataException($"{_what}: the JPEG file ends before its image.");
        if (!_frame.IsComplete) throw CutOff(_what);
    }

    /// <summary>Passes over junk, as libjpeg does, and over any number of 0xFF before a marker. Null at the end of the file.</summary>
    private byte? NextMarker(ref int at)
    {
        while (at < _file.Length)
        {
            if (_file[at++] != 0xFF) continue;
            while (at < _file.Length && _file[at] == 0xFF) at++;
            if (at < _file.Length && _file[at++] is not 0 and var marker) return marker;
        }

        return null;
    }

    /// <summary>Whether a scan begins after the segment.</summary>
    private bool Take(byte marker, byte[] segment)
    {
        switch (marker)
        {
            case 0xC0 or 0xC1 or 0xC2:
                if (_frame is not null) throw new InvalidDataException($"{_what}: the JPEG file has two images.");
                _frame = new JpegFrame(marker, segment, _file.Length, _what);
                break;
            case 0xDA:
                if (_frame is null) throw new InvalidDataException($"{_what}: the JPEG file has no frame header before its image.");
                return true;
            case 0xDD:
                if (segment.Length != 2)
                {
                    throw new InvalidDataException(
                        $"{_what}: the JPEG file has a restart interval of {segment.Length} bytes; 2 are right.");
                }

                _restartInterval = BinaryPrimitives.ReadUInt16BigEndian(segment);
                break;
            case 0xC4 when JpegTables.AreHuffman(segment):
            case 0xDB when JpegTables.AreQuantization(segment):
                break;
            case 0xC4 or 0xDB:
                throw Damaged("has tables that are longer or shorter than their segment");
            case 0xCC or 0xDC or 0xFE or (>= 0xE0 and <= 0xEF):
                if (!_hasScan) TakeNote(marker, segment);
                return false;
            default:
                throw new InvalidDataException(
                    $"{_what}: the JPEG file has the marker 0x{marker:X2}; "
                    + $"baseline and progressive Huffman-coded files are read{Kind(marker)}.");
        }

        Write(marker, segment);
        return false;
    }

    private static string Kind(byte marker) => marker switch
    {
        0xC3 => ", this one is lossless",
        0xC5 or 0xC6 or 0xC7 => ", this one is hierarchical",
        0xC9 or 0xCA => ", this one is arithmetic-coded",
        0xCB => ", this one is lossless and arithmetic-coded",
        0xCD or 0xCE or 0xCF => ", this one is hierarchical and arithmetic-coded",
        0xF7 => ", this one is JPEG-LS",
        _ => "",
    };

    /// <summary>What programs noted before the first scan.</summary>
    private void TakeNote(byte marker, ReadOnlySpan<byte> segment)
    {
        const int jfifBytes = 14, adobeBytes = 12, transformAt = 11;
        if (marker == 0xE0 && segment.Length >= jfifBytes && segment.StartsWith("JFIF\0"u8)) _isJfif = true;
        if (marker == 0xE1 && ExifOrientation.IsMarked(segment)) _orientation ??= ExifOrientation.Read(segment);
        if (marker == 0xEE && segment.Length >= adobeBytes && segment.StartsWith("Adobe"u8)) _transform = segment[transformAt];
    }

    private void ReadScan(byte[] header, ref int at)
    {
        var units = _frame!.Scan(header);
        var restartsDue = _restartInterval > 0 ? (units - 1) / _restartInterval : 0;
        var (start, interval, restarts) = (at, at, 0L);
        int end;
        while (true)
        {
            var found = _file.AsSpan(at).IndexOf((byte)0xFF);
            end = found < 0 ? _file.Length : at + found;
            var code = end;
            while (code < _file.Length && _file[code] == 0xFF) code++;
            _endsInScan = code == _file.Length;
            if (_endsInScan) at = code;
            if (_endsInScan || _file[code] is not (0 or (>= 0xD0 and <= 0xD7))) break;
            at = code + 1;
            if (_file[code] == 0) continue;
            if (restarts == restartsDue)
            {
                // One behind the last interval ends it as any marker does.
                if (at < _file.Length && _file[at] != 0xFF) throw Damaged("has a restart marker where none is due");
                break;
            }

            RequireData();
            restarts++;
            interval = at;
        }

        if (restarts < restartsDue)
        {
            throw _endsInScan ? CutOff(_what) : Damaged($"has {restarts} restart markers in a scan; {restartsDue} are due");
        }

        RequireData();
        Write(0xDA, header);
        _content.Write(_file.AsSpan(start, end - start));
        _hasScan = true;

        void RequireData()
        {
            if (end == interval) throw _endsInScan ? CutOff(_what) : Damaged("has a scan, or an interval of one, without data");
        }
    }

    private void Write(byte marker, byte[] segment)
    {
        var length = segment.Length + 2;
        _content.Write<byte>([0xFF, marker, (byte)(length >> 8), (byte)length]);
        _content.Write(segment);
    }

    private InvalidDataException Damaged(string how) => new($"{_what}: the JPEG file is damaged: it {how}.");
}
