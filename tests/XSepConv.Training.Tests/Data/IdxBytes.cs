using System.Buffers.Binary;
using System.IO.Compression;

namespace XSepConv.Training.Tests;

/// <summary>IDX files written by hand.</summary>
internal static class IdxBytes
{
    public static byte[] Images(int count, int rows, int columns, params byte[] pixels)
    {
        var bytes = new byte[16 + (count * rows * columns)];
        Numbers(bytes, 0x803, count, rows, columns);
        if (pixels.Length > 0) pixels.CopyTo(bytes, 16);
        else for (var i = 16; i < bytes.Length; i++) bytes[i] = (byte)((i * 37) + (i / 784));
        return bytes;
    }

    public static byte[] Labels(params byte[] labels)
    {
        var bytes = new byte[8 + labels.Length];
        Numbers(bytes, 0x801, labels.Length);
        labels.CopyTo(bytes, 8);
        return bytes;
    }

    public static byte[] Header(params int[] numbers)
    {
        var bytes = new byte[numbers.Length * 4];
        Numbers(bytes, numbers);
        return bytes;
    }

    public static byte[] Gzip(byte[] bytes)
    {
        // GZipStream writes nothing at all for nothing; this is what gzip writes.
        if (bytes.Length == 0) return Convert.FromHexString("1F8B080000000000000303000000000000000000");
        var result = new MemoryStream();
        using (var zip = new GZipStream(result, CompressionLevel.Fastest)) zip.Write(bytes);
        return result.ToArray();
    }

    /// <summary>A whole set of four gzipped files: image i is filled so that no two images are alike.</summary>
    public static void WriteSet(string folder, int training = 120, int test = 30, int side = 8)
    {
        Directory.CreateDirectory(folder);
        Write("train", training, 0);
        Write("t10k", test, training);

        void Write(string name, int count, int first)
        {
            var pixels = new byte[count * side * side];
            for (var i = 0; i < count; i++)
            {
                for (var p = 0; p < side * side; p++)
                {
                    pixels[(i * side * side) + p] = (byte)(p == 0 ? (first + i) >> 8 : p == 1 ? first + i : i + p);
                }
            }

            File.WriteAllBytes(Path.Combine(folder, $"{name}-images-idx3-ubyte.gz"), Gzip(Images(count, side, side, pixels)));
            File.WriteAllBytes(
                Path.Combine(folder, $"{name}-labels-idx1-ubyte.gz"), Gzip(
                    Labels([.. Enumerable.Range(0, count).Select(i => (byte)(i % 10))])));
        }
    }

    /// <summary>The number <see cref="WriteSet"/> wrote into an image's first two pixels.</summary>
    public static int NumberOf(ReadOnlySpan<byte> image) => (image[0] << 8) | image[1];

    private static void Numbers(Span<byte> bytes, params int[] numbers)
    {
        for (var i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteInt32BigEndian(bytes[(i * 4)..], numbers[i]);
    }
}
