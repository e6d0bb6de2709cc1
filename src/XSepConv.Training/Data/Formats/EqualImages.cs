using System.Buffers.Binary;
using System.Security.Cryptography;

namespace XSepConv.Training;

/// <summary>Finds files with the same bytes while they are decoded.</summary>
internal sealed class EqualImages
{
    private readonly Dictionary<UInt128, int> _first = [];
    private readonly Dictionary<UInt128, List<int>> _groups = [];

    /// <summary>Half of the SHA-256 of a file.</summary>
    public static UInt128 DigestOf(ReadOnlySpan<byte> file)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(file, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    /// <summary>Notes the digest of the file that an image was decoded from.</summary>
    /// <param name="image">Its place in the image file.</param>
    public void Add(UInt128 digest, int image)
    {
        if (_first.TryAdd(digest, image)) return;
        if (!_groups.TryGetValue(digest, out var group)) _groups[digest] = group = [_first[digest]];
        group.Add(image);
    }

    /// <summary>The places of images whose files have the same bytes, in ascending order.</summary>
    public IReadOnlyList<int[]> Groups() => [.. _groups.Values.Select(group => group.ToArray()).OrderBy(group => group[0])];
}
