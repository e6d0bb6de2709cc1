using System.Buffers.Binary;

namespace XSepConv.Training.Tests;

/// <summary>How many scans a JPEG file may have: each is a pass over all of its blocks, however few bytes it has.</summary>
public sealed class JpegScanTests
{
    private const int LargestSide = 8_000;

    [Fact]
    public void A_scan_that_comes_again_is_refused()
    {
        var file = Fixture.Bytes("images/progressive.jpg");
        var scans = Segments(file).Where(segment => segment.Marker == 0xDA).ToList();
        Assert.InRange(scans.Count, 6, 20);
        foreach (var (_, start, length) in scans)
        {
            var scan = file.AsSpan(start, length);
            var header = scan[..(2 + BinaryPrimitives.ReadUInt16BigEndian(scan[2..]))];
            var reason = header[^1] >> 4 == 0 ? "a scan brings what another has brought" : "a scan comes before the one that it builds on";

            // Its own data again, or a byte of data; at once, or after all others.
            foreach (var again in new[] { scan.ToArray(), [.. header, 0] })
            {
                foreach (var at in new[] { start + length, file.Length - 2 })
                {
                    AssertRefused([.. file.AsSpan(0, at), .. again, .. file.AsSpan(at)], reason);
                }
            }
        }
    }

    [Fact]
    public void Sequential_scans_that_bring_a_component_again_are_refused()
    {
        var file = Fixture.Bytes("images/baseline.jpg");
        var (_, start, length) = Segments(file).Single(segment => segment.Marker == 0xDA);
        var data = file.AsSpan(start + 14, length - 14);
        byte[] one = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, .. data];
        AssertRefused([.. file.AsSpan(0, start), .. one, .. one, .. file.AsSpan(start)], "a scan brings what another has brought");
        AssertRefused([.. file.AsSpan(0, start), .. one, .. file.AsSpan(start)], "a scan brings what another has brought");
    }

    [Fact]
    public void What_libjpeg_writes_by_default_is_within_the_bound_at_the_largest_size()
    {
        foreach (var components in new[] { 1, 3, 4 })
        {
            var frame = Frame(components);
            foreach (var (of, first, last, high, low) in SimpleProgression(components)) frame.Scan(Scan(of, first, last, high, low));
            Assert.True(frame.IsComplete);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public void Each_bit_of_each_coefficient_in_a_scan_of_its_own_is_refused_at_the_largest_size(int components)
    {
        var frame = Frame(components);
        var count = 0;
        var refused = Assert.Throws<InvalidDataException>(() =>
        {
            foreach (var (of, first, last, high, low) in EachBit(components))
            {
                frame.Scan(Scan(of, first, last, high, low));
                count++;
            }
        });
        Assert.Contains("its scans go over more than 64000000 blocks", refused.Message, StringComparison.Ordinal);

        // libjpeg's own scripts take up to six scans of a component; T.81 allows 64 × 14.
        Assert.InRange(count, 6 * components, 70);
    }

    [Fact]
    public void Each_bit_of_each_coefficient_in_a_scan_of_its_own_is_read_of_a_photograph_for_networks()
    {
        var frame = Frame(3, 500);
        foreach (var (of, first, last, high, low) in EachBit(3)) frame.Scan(Scan(of, first, last, high, low));
        Assert.True(frame.IsComplete);
    }

    private static JpegFrame Frame(int components, int side = LargestSide)
    {
        byte[] header = [8, 0, 0, 0, 0, (byte)components,
            .. Enumerable.Range(1, components).SelectMany(i => new byte[] { (byte)i, 0x11, 0 })];
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(1), (ushort)side);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(3), (ushort)side);
        return new JpegFrame(0xC2, header, ImageDecoder.MaxFileBytes, "file");
    }

    private static byte[] Scan(int[] components, int first, int last, int high, int low) =>
        [(byte)components.Length, .. components.SelectMany(i => new byte[] { (byte)i, 0 }), (byte)first, (byte)last,
            (byte)((high << 4) | low)];

    /// <summary>jpeg_simple_progression of libjpeg's jcparam.c: of YCbCr, and of everything else.</summary>
    private static IEnumerable<(int[] Of, int First, int Last, int High, int Low)> SimpleProgression(int components)
    {
        int[] all = [.. Enumerable.Range(1, components)];
        if (components == 3)
        {
            return [(all, 0, 0, 0, 1), ([1], 1, 5, 0, 2), ([3], 1, 63, 0, 1), ([2], 1, 63, 0, 1), ([1], 6, 63, 0, 2), ([1], 1, 63, 2, 1),
                (all, 0, 0, 1, 0), ([3], 1, 63, 1, 0), ([2], 1, 63, 1, 0), ([1], 1, 63, 1, 0)];
        }

        return [(all, 0, 0, 0, 1), .. Each(1, 5, 0, 2), .. Each(6, 63, 0, 2), .. Each(1, 63, 2, 1), (all, 0, 0, 1, 0),
            .. Each(1, 63, 1, 0)];

        IEnumerable<(int[], int, int, int, int)> Each(int first, int last, int high, int low) =>
            all.Select(one => (new[] { one }, first, last, high, low));
    }

    private static IEnumerable<(int[] Of, int First, int Last, int High, int Low)> EachBit(int components)
    {
        for (var component = 1; component <= components; component++)
        {
            for (var coefficient = 0; coefficient < 64; coefficient++)
            {
                for (var low = 13; low >= 0; low--) yield return ([component], coefficient, coefficient, low == 13 ? 0 : low + 1, low);
            }
        }
    }

    /// <summary>Segments with the data that follow them.</summary>
    private static List<(byte Marker, int Start, int Length)> Segments(byte[] file)
    {
        var found = new List<(byte, int, int)>();
        for (var at = 2; file[at + 1] != 0xD9;)
        {
            var end = at + 2 + BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at + 2));
            if (file[at + 1] == 0xDA)
            {
                while (file[end] != 0xFF || file[end + 1] is 0 or (>= 0xD0 and <= 0xD7)) end++;
            }

            found.Add((file[at + 1], at, end - at));
            at = end;
        }

        return found;
    }

    private static void AssertRefused(byte[] file, string reason) =>
        Assert.Contains(
            reason, Assert.Throws<InvalidDataException>(() => ImageDecoder.DecodeWhole(file, "file", Rgb.White)).Message,
            StringComparison.Ordinal);
}
