using System.Buffers.Binary;
using System.Security.Cryptography;

namespace XSepConv.Training;

/// <summary>What the first page of an image file says.</summary>
/// <param name="Train">How many images to learn from; they come first.</param>
/// <param name="Validation">How many validation images of the set's own come next; mostly none.</param>
/// <param name="NotesBytes">Bytes of the class names and what was noted while decoding, a JSON object.</param>
/// <param name="Source">SHA-256, in hexadecimal, of what the images were decoded from.</param>
/// <param name="Content">Digest, in hexadecimal, of all that follows the first page.</param>
/// <remarks>
/// Little-endian: <c>XSEPIMGS</c>; version, channels, height, width (32 bits each); the three counts, bytes of the notes (64 bits each);
/// source and content (32 bytes each); SHA-256 of all before it; zeros to 4,096 bytes. Then the images, [channels, height, width] each; a
/// 32-bit label for each; class names and notes.
/// </remarks>
internal sealed record ImageFile(
    int Channels, int Height, int Width, long Train, long Validation, long Test, int NotesBytes, string Source, string Content)
{
    /// <summary>The first page, so that images begin at a page of memory.</summary>
    public const int HeaderBytes = 4_096;

    /// <summary>Of the layout, and of how images are decoded: pixels of another version are not served.</summary>
    public const int Version = 3;

    private const int SignedBytes = 56 + 64;
    private const int Chunk = 16 << 20;

    private static ReadOnlySpan<byte> Magic => "XSEPIMGS"u8;

    public int ImageBytes => Channels * Height * Width;

    public long Count => Train + Validation + Test;

    public long LabelsAt => HeaderBytes + (Count * ImageBytes);

    public long NotesAt => LabelsAt + (Count * sizeof(int));

    public long FileBytes => NotesAt + NotesBytes;

    public byte[] ToHeader()
    {
        var header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        int[] sizes = [Version, Channels, Height, Width];
        for (var i = 0; i < sizes.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8 + (i * 4)), sizes[i]);
        long[] counts = [Train, Validation, Test, NotesBytes];
        for (var i = 0; i < counts.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(24 + (i * 8)), counts[i]);
        Convert.FromHexString(Source).CopyTo(header, 56);
        Convert.FromHexString(Content).CopyTo(header, 88);
        SHA256.HashData(header.AsSpan(0, SignedBytes), header.AsSpan(SignedBytes));
        return header;
    }

    /// <summary>Reads a first page.</summary>
    /// <returns>Null when it is no such page, or that of another version, or the file is not as long as it says.</returns>
    public static ImageFile? FromHeader(ReadOnlySpan<byte> header, long fileBytes)
    {
        if (header.Length < HeaderBytes || !header.StartsWith(Magic)) return null;
        if (!SHA256.HashData(header[..SignedBytes]).AsSpan().SequenceEqual(header.Slice(SignedBytes, 32))) return null;
        var sizes = new int[4];
        for (var i = 0; i < sizes.Length; i++) sizes[i] = BinaryPrimitives.ReadInt32LittleEndian(header[(8 + (i * 4))..]);
        var counts = new long[4];
        for (var i = 0; i < counts.Length; i++) counts[i] = BinaryPrimitives.ReadInt64LittleEndian(header[(24 + (i * 8))..]);
        if (sizes[0] != Version || sizes[1] is not (1 or 3)) return null;
        if (sizes[2] is < 1 or > DatasetOptions.LargestImageSize || sizes[3] is < 1 or > DatasetOptions.LargestImageSize) return null;
        if (Array.Exists(counts, count => count is < 0 or > int.MaxValue) || counts[0] + counts[1] + counts[2] > int.MaxValue) return null;
        var file = new ImageFile(
            sizes[1], sizes[2], sizes[3], counts[0], counts[1], counts[2], (int)counts[3],
            Convert.ToHexStringLower(header.Slice(56, 32)), Convert.ToHexStringLower(header.Slice(88, 32)));
        return file.FileBytes == fileBytes ? file : null;
    }

    /// <summary>
    /// A digest of bytes that come one piece after the other: SHA-256 of the SHA-256 of every 16 MiB, so that it can be checked on all
    /// cores.
    /// </summary>
    public sealed class Digester : IDisposable
    {
        private readonly IncrementalHash _chunk = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly IncrementalHash _all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private int _inChunk;

        public void Append(ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                var part = bytes[..Math.Min(bytes.Length, Chunk - _inChunk)];
                _chunk.AppendData(part);
                bytes = bytes[part.Length..];
                if ((_inChunk += part.Length) == Chunk) EndChunk();
            }
        }

        public string Result()
        {
            if (_inChunk > 0) EndChunk();
            return Convert.ToHexStringLower(_all.GetHashAndReset());
        }

        public void Dispose()
        {
            _chunk.Dispose();
            _all.Dispose();
        }

        private void EndChunk()
        {
            _all.AppendData(_chunk.GetHashAndReset());
            _inChunk = 0;
        }
    }

    /// <summary>The same digest of bytes that are all there.</summary>
    public static unsafe string Digest(byte* start, long bytes)
    {
        var chunks = new byte[(bytes + Chunk - 1) / Chunk][];
        Parallel.For(0, chunks.Length, i =>
        {
            var at = (long)i * Chunk;
            chunks[i] = SHA256.HashData(new ReadOnlySpan<byte>(start + at, (int)Math.Min(Chunk, bytes - at)));
        });
        return Convert.ToHexStringLower(SHA256.HashData([.. chunks.SelectMany(chunk => chunk)]));
    }
}
