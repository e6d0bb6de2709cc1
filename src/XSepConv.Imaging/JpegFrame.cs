using System.Buffers.Binary;

namespace XSepConv.Imaging;

/// <summary>The frame of a JPEG file: its size and its components, and what the scans before now have brought of each.</summary>
internal sealed class JpegFrame
{
    // A block of 8×8 pixels takes a bit at least in some scan, and the coarsest sampling spreads a block over 4 of them in each direction.
    private const int MostPixelsPerByte = 2_048;
    private const int Coefficients = 64;

    // A scan is a pass over its blocks, which may have no data but a few bytes. libjpeg's own scripts take up to 24 million in the largest
    // picture, of four components.
    private const long MostBlocks = ImageDecoder.MaxPixels;

    private const sbyte Missing = sbyte.MaxValue;

    private readonly string _what;
    private readonly byte[] _ids, _across, _down;

    // By component and coefficient: how many low bits are still to come.
    private readonly sbyte[] _lowBits;
    private long _blocks;

    /// <summary>Reads a frame header.</summary>
    /// <param name="marker">0xC0 to 0xC2.</param>
    /// <param name="header">Its segment. Components are numbered 1, 2, … in it afterwards, whatever they were called.</param>
    /// <exception cref="InvalidDataException">It is damaged, too large, or of a kind that is not read.</exception>
    public JpegFrame(byte marker, Span<byte> header, int fileBytes, string what)
    {
        (_what, IsProgressive) = (what, marker == 0xC2);
        if (header.Length < 6) throw Damaged("its frame header is too short");
        if (header[0] != 8) throw Damaged($"it has {header[0]} bits a sample; 8 are read");
        var count = header[5];
        if (count is not (1 or 3 or 4)) throw Damaged($"it has {count} components; 1, 3 or 4 are read");
        if (header.Length != 6 + (3 * count)) throw Damaged($"its frame header has {header.Length} bytes; {6 + (3 * count)} are right");
        Size = ImageDecoder.CheckSize(
            BinaryPrimitives.ReadUInt16BigEndian(header[3..]), BinaryPrimitives.ReadUInt16BigEndian(header[1..]), what);
        if ((long)Size.Width * Size.Height > (long)fileBytes * MostPixelsPerByte)
        {
            throw new InvalidDataException(
                $"{what}: the JPEG file claims {Size.Width}×{Size.Height} pixels in {fileBytes} bytes, which can't hold them.");
        }

        (_ids, _across, _down) = (new byte[count], new byte[count], new byte[count]);
        for (var i = 0; i < count; i++)
        {
            var component = header[(6 + (3 * i))..];
            if (_ids.AsSpan(0, i).Contains(component[0])) throw Damaged($"two components have the number {component[0]}");
            (_ids[i], _across[i], _down[i]) = (component[0], (byte)(component[1] >> 4), (byte)(component[1] & 15));
            if (_across[i] is < 1 or > 4 || _down[i] is < 1 or > 4)
            {
                throw Damaged($"component {i + 1} is sampled {_across[i]}×{_down[i]}; 1 to 4 are right");
            }

            component[0] = (byte)(i + 1);
        }

        if (_across.Any(across => _across.Max() % across != 0) || _down.Any(down => _down.Max() % down != 0))
        {
            throw Damaged("its components are sampled in ratios that are no whole numbers, which is not read");
        }

        HasColorIds = count == 3 && _ids.AsSpan().SequenceEqual("RGB"u8);
        _lowBits = new sbyte[count * Coefficients];
        _lowBits.AsSpan().Fill(Missing);
    }

    public (int Width, int Height) Size { get; }

    /// <summary>Whether a block's coefficients come in several scans.</summary>
    public bool IsProgressive { get; }

    /// <summary>1, 3 or 4.</summary>
    public int Components => _ids.Length;

    /// <summary>Whether the components are called R, G and B.</summary>
    public bool HasColorIds { get; }

    /// <summary>Whether every bit of every coefficient was in a scan.</summary>
    public bool IsComplete => !_lowBits.AsSpan().ContainsAnyExcept((sbyte)0);

    /// <summary>What no scan has brought, in words.</summary>
    public string Lacking
    {
        get
        {
            var at = _lowBits.AsSpan().IndexOfAnyExcept((sbyte)0);
            return $"{(_lowBits[at] == Missing ? "nothing is there" : $"{_lowBits[at]} bits are missing")} of coefficient "
                + $"{at % Coefficients} of component {(at / Coefficients) + 1}";
        }
    }

    /// <summary>Reads a scan header.</summary>
    /// <param name="header">Its segment; components are numbered as in the frame afterwards.</param>
    /// <returns>How many units (MCUs) the scan has.</returns>
    /// <exception cref="InvalidDataException">It does not fit the frame or the scans before.</exception>
    public long Scan(Span<byte> header)
    {
        if (header.Length < 6 || header[0] is < 1 or > 4 || header[0] > Components || header.Length != 4 + (2 * header[0]))
        {
            throw Damaged("the header of a scan is damaged");
        }

        int count = header[0];
        var parameters = header[(1 + (2 * count))..];
        var (first, last, high, low) = (parameters[0], parameters[1], parameters[2] >> 4, parameters[2] & 15);
        if (!IsProgressive) (first, last, high, low) = (0, Coefficients - 1, 0, 0);
        if (last >= Coefficients || first > last || low > 13 || (first == 0) != (last == 0 || !IsProgressive) || (first > 0 && count > 1))
        {
            throw Damaged("a scan has a range of coefficients that no scan has");
        }

        var scanned = new List<int>();
        for (var i = 0; i < count; i++)
        {
            var component = Array.IndexOf(_ids, header[1 + (2 * i)]);
            if (component < 0 || scanned.Contains(component)) throw Damaged("a scan names a component that is not there, or twice");
            scanned.Add(component);
            header[1 + (2 * i)] = (byte)(component + 1);
            Refine(component, first, last, high, low);
        }

        // A scan of one component has no unit beyond its edge, and a unit is a block.
        var only = scanned[0];
        var units = count > 1 ? Units(Size.Width, 8 * _across.Max()) * Units(Size.Height, 8 * _down.Max())
            : Units(Size.Width * _across[only], 8 * _across.Max()) * Units(Size.Height * _down[only], 8 * _down.Max());
        _blocks += count > 1 ? units * scanned.Sum(component => _across[component] * _down[component]) : units;
        return _blocks <= MostBlocks ? units : throw Damaged($"its scans go over more than {MostBlocks} blocks of 8×8 values");

        static long Units(int pixels, int unit) => (pixels + unit - 1) / unit;
    }

    /// <summary>
    /// A scan brings the upper bits of coefficients, once, or one bit more of what is there; none is refined before it is there, or before
    /// the average of its block.
    /// </summary>
    private void Refine(int component, int first, int last, int high, int low)
    {
        var bits = _lowBits.AsSpan(component * Coefficients, Coefficients);
        if (first > 0 && bits[0] == Missing) throw Damaged("a scan comes before the one that it builds on");
        for (var i = first; i <= last; i++)
        {
            if (high == 0 && bits[i] != Missing) throw Damaged("a scan brings what another has brought");
            if (high > 0 && (bits[i] != high || low != high - 1)) throw Damaged("a scan comes before the one that it builds on");
            bits[i] = (sbyte)low;
        }
    }

    private InvalidDataException Damaged(string how) => new($"{_what}: the JPEG file is damaged or of a kind that is not read: {how}.");
}
